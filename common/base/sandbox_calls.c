#include "common/base/sandbox_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/declare.h"

#define ARGUMENTS_MOST 2 /* that a rule looks at */

/* Newer system calls than libseccomp 2.5.4 knows: a newer C library tries them, and does without. */
#define NUMBER_NEWER 451
#define NUMBER_END   512 /* x86-64 has numbers of another ABI from here on */

#define SOCKET_KINDS   0xf        /* of a socket's type; above them are flags (socket(2)) */
#define TERMINAL_GET_2 0x802c542a /* TCGETS2, which <sys/ioctl.h> lacks */

/* Always allowed: they work on what the process has already, or only look. */
static const int allowed[] = {
    /* input and output */
    SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close),
    SCMP_SYS(close_range), SCMP_SYS(lseek), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(fcntl),
    SCMP_SYS(pipe), SCMP_SYS(pipe2), SCMP_SYS(eventfd2), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select),
    SCMP_SYS(pselect6), SCMP_SYS(epoll_create), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime), SCMP_SYS(sendfile),
    /* looking at files */
    SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(access),
    SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getdents64),
    SCMP_SYS(getcwd), SCMP_SYS(statfs), SCMP_SYS(fstatfs), SCMP_SYS(fadvise64),
    /* memory */
    SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(mincore), SCMP_SYS(mlock),
    SCMP_SYS(mlock2), SCMP_SYS(munlock),
    /* threads, locks, signals */
    SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(futex), SCMP_SYS(futex_waitv), SCMP_SYS(set_robust_list),
    SCMP_SYS(get_robust_list), SCMP_SYS(rseq), SCMP_SYS(set_tid_address), SCMP_SYS(membarrier),
    SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler), SCMP_SYS(sched_get_priority_min), SCMP_SYS(sched_get_priority_max),
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(rt_sigpending), SCMP_SYS(sigaltstack), SCMP_SYS(signalfd4), SCMP_SYS(restart_syscall),
    SCMP_SYS(pause),
    /* times, and what the process and the machine are */
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(times),
    SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(gettid), SCMP_SYS(getpid), SCMP_SYS(getppid),
    SCMP_SYS(getpgrp), SCMP_SYS(getpgid), SCMP_SYS(getsid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
    SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(getresuid), SCMP_SYS(getresgid), SCMP_SYS(getgroups),
    SCMP_SYS(capget), SCMP_SYS(getrlimit), SCMP_SYS(getrusage), SCMP_SYS(getpriority), SCMP_SYS(getcpu),
    SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(getrandom), SCMP_SYS(umask),
    /* sockets */
    SCMP_SYS(socketpair), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(accept),
    SCMP_SYS(accept4), SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt), SCMP_SYS(sendto), SCMP_SYS(recvfrom), SCMP_SYS(sendmsg), SCMP_SYS(recvmsg),
    SCMP_SYS(sendmmsg), SCMP_SYS(recvmmsg), SCMP_SYS(shutdown)};

/* Answered as by a kernel that does not have them: libraries try them, and have another way. */
static const int absent[] = {
    SCMP_SYS(clone3), /* its flags are in memory, where a filter cannot see them; clone follows */
    SCMP_SYS(openat2),    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(arch_prctl), /* shadow stacks, which fibers do not fit */
    SCMP_SYS(keyctl),     /* Kerberos looks for credentials among the kernel's keys */
    SCMP_SYS(add_key),    SCMP_SYS(request_key),
};

/* A call that depends on its arguments: all of them compare as given, or the rule does not hold. */
struct rule {
    int call;
    struct scmp_arg_cmp arguments[ARGUMENTS_MOST];
};

#define IS(argument, value)                                                                                  \
    {                                                                                                        \
        argument, SCMP_CMP_EQ, value, 0                                                                      \
    }
#define BITS(argument, mask, value)                                                                          \
    {                                                                                                        \
        argument, SCMP_CMP_MASKED_EQ, mask, value                                                            \
    }

#define READ_ONLY (O_ACCMODE | O_CREAT | O_TRUNC)

static const struct rule allowing[] = {
    /* Files are opened for reading. */
    {SCMP_SYS(open), {BITS(1, READ_ONLY, O_RDONLY)}},
    {SCMP_SYS(openat), {BITS(2, READ_ONLY, O_RDONLY)}},
    /* Memory that can be written is not executed; a library that is loaded late comes from its file. */
    {SCMP_SYS(mmap), {BITS(2, PROT_EXEC, 0)}},
    {SCMP_SYS(mmap), {BITS(2, PROT_WRITE | PROT_EXEC, PROT_EXEC), BITS(3, MAP_ANONYMOUS, 0)}},
    {SCMP_SYS(mprotect), {BITS(2, PROT_EXEC, 0)}},
#ifdef __aarch64__
    {SCMP_SYS(mprotect), {BITS(2, PROT_WRITE | PROT_EXEC, PROT_EXEC)}}, /* marking its code for BTI */
#endif
    /* Threads, but no processes; the limits of this process only. */
    {SCMP_SYS(clone), {BITS(0, CLONE_THREAD, CLONE_THREAD)}},
    {SCMP_SYS(prlimit64), {IS(0, 0)}},
    {SCMP_SYS(setrlimit), {IS(0, RLIMIT_NOFILE)}},
    {SCMP_SYS(prctl), {IS(0, PR_SET_NAME)}},
    {SCMP_SYS(prctl), {IS(0, PR_GET_NAME)}},
    {SCMP_SYS(prctl), {IS(0, PR_SET_VMA)}},
    {SCMP_SYS(prctl), {IS(0, PR_CAPBSET_READ)}}, /* libcap looks, which systemd's lookup of users loads */
    /* TCP, UDP for names, local sockets; netlink tells the resolver which addresses there are. */
    {SCMP_SYS(socket), {IS(0, AF_UNIX)}},
    {SCMP_SYS(socket), {IS(0, AF_INET), BITS(1, SOCKET_KINDS, SOCK_STREAM)}},
    {SCMP_SYS(socket), {IS(0, AF_INET), BITS(1, SOCKET_KINDS, SOCK_DGRAM)}},
    {SCMP_SYS(socket), {IS(0, AF_INET6), BITS(1, SOCKET_KINDS, SOCK_STREAM)}},
    {SCMP_SYS(socket), {IS(0, AF_INET6), BITS(1, SOCKET_KINDS, SOCK_DGRAM)}},
    {SCMP_SYS(socket), {IS(0, AF_NETLINK), IS(2, 0)}}, /* NETLINK_ROUTE */
    {SCMP_SYS(ioctl), {IS(1, FIONBIO)}},
    {SCMP_SYS(ioctl), {IS(1, FIONREAD)}},
    {SCMP_SYS(ioctl), {IS(1, TCGETS)}},
    {SCMP_SYS(ioctl), {IS(1, TERMINAL_GET_2)}},
    {SCMP_SYS(ioctl), {IS(1, SIOCGIFINDEX)}},
    {SCMP_SYS(ioctl), {IS(1, SIOCGIFNAME)}},
};

/* Libraries that want to write a file, a cache of theirs, are told that they may not. */
static const struct rule refusing[] = {
    {SCMP_SYS(open), {BITS(1, O_ACCMODE, O_WRONLY)}},  {SCMP_SYS(openat), {BITS(2, O_ACCMODE, O_WRONLY)}},
    {SCMP_SYS(open), {BITS(1, O_ACCMODE, O_RDWR)}},    {SCMP_SYS(openat), {BITS(2, O_ACCMODE, O_RDWR)}},
    {SCMP_SYS(open), {BITS(1, O_ACCMODE, O_ACCMODE)}}, {SCMP_SYS(openat), {BITS(2, O_ACCMODE, O_ACCMODE)}},
    {SCMP_SYS(open), {BITS(1, O_CREAT, O_CREAT)}},     {SCMP_SYS(openat), {BITS(2, O_CREAT, O_CREAT)}},
    {SCMP_SYS(open), {BITS(1, O_TRUNC, O_TRUNC)}},     {SCMP_SYS(openat), {BITS(2, O_TRUNC, O_TRUNC)}},
};

static bool add_calls(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (seccomp_rule_add(filter, action, calls[i], 0) != 0)
            return false;
    return true;
}

static bool add_rules(scmp_filter_ctx filter, uint32_t action, const struct rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct rule *r = &rules[i];
        unsigned arguments = r->arguments[1].op ? 2 : 1;
        if (seccomp_rule_add_array(filter, action, r->call, arguments, r->arguments) != 0)
            return false;
    }
    return true;
}

static bool add_newer_calls(scmp_filter_ctx filter)
{
    for (int number = NUMBER_NEWER; number < NUMBER_END; number++)
        if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), number, 0) != 0)
            return false;
    return true;
}

bool sandbox_filter_calls(void)
{
    const struct scmp_arg_cmp own = SCMP_CMP(0, SCMP_CMP_EQ, (scmp_datum_t)getpid());
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);

    if (!filter)
        return false;
    bool loaded = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0 &&
                  seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
                  seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0 && /* a tree, not a list */
                  add_calls(filter, SCMP_ACT_ALLOW, allowed, COUNT(allowed)) &&
                  add_calls(filter, SCMP_ACT_ERRNO(ENOSYS), absent, COUNT(absent)) &&
                  add_newer_calls(filter) && add_rules(filter, SCMP_ACT_ALLOW, allowing, COUNT(allowing)) &&
                  add_rules(filter, SCMP_ACT_ERRNO(EACCES), refusing, COUNT(refusing)) &&
                  /* abort(3) */
                  seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &own) == 0 &&
                  seccomp_load(filter) == 0;
    seccomp_release(filter);
    return loaded;
}
