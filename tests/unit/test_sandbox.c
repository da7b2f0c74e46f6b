#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/declare.h"
#include "common/base/sandbox.h"

enum { DONE, REFUSED, NOT_THERE, NO_SANDBOX };

/* Something that a process does; whether it could. */
struct deed {
    const char *name;
    bool (*run)(void);
};

/* Does it in a process of its own, in the sandbox; the status that waitpid has of it. */
static int status_of(bool (*run)(void), bool needs_landlock)
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct sandbox sandbox = sandbox_enter();
        if (!sandbox.calls || (needs_landlock && !sandbox.landlock))
            _exit(NO_SANDBOX);
        errno = 0;
        _exit(run() ? DONE : errno == EACCES || errno == EPERM ? REFUSED : NOT_THERE);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_SANDBOX)
        skip();
    return status;
}

static bool execute(void)
{
    return execl("/bin/true", "true", (char *)NULL) == 0;
}

static bool spawn(void)
{
    char name[] = "true";
    char *const arguments[] = {name, NULL};
    pid_t child;

    return posix_spawn(&child, "/bin/true", NULL, NULL, arguments, arguments + 1) == 0;
}

static bool fork_once(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    return child > 0;
}

static bool trace_parent(void)
{
    return ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) == 0;
}

static bool read_memory_of_parent(void)
{
    char room[8];
    struct iovec here = {room, sizeof(room)}, there = {(void *)&environ, sizeof(room)};

    return process_vm_readv(getppid(), &here, 1, &there, 1, 0) > 0;
}

static bool signal_parent(void)
{
    return kill(getppid(), 0) == 0;
}

static bool signal_thread_of_parent(void)
{
    return syscall(SYS_tgkill, getppid(), getppid(), 0) == 0;
}

static bool mount_something(void)
{
    return mount("none", "/mnt", "tmpfs", 0, NULL) == 0;
}

static bool become_another_user(void)
{
    return setresuid(65534, 65534, 65534) == 0;
}

static bool load_module(void)
{
    return syscall(SYS_finit_module, -1, "", 0) == 0;
}

static bool load_bpf(void)
{
    return syscall(SYS_bpf, 0, NULL, 0) >= 0;
}

static bool open_ring(void)
{
    return syscall(SYS_io_uring_setup, 1, NULL) >= 0;
}

static bool make_file_in_memory(void)
{
    return memfd_create("code", 0) >= 0;
}

static bool unshare_namespace(void)
{
    return syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */) == 0;
}

static bool open_packet_socket(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0) >= 0;
}

static bool open_raw_socket(void)
{
    return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0;
}

static bool map_writable_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
           MAP_FAILED;
}

static bool map_new_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool make_code_writable(void)
{
    uintptr_t page = (uintptr_t)&make_code_writable & ~(uintptr_t)4095;

    return mprotect((void *)page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == 0;
}

static bool remove_file(void)
{
    return unlink("/nothing-here") == 0;
}

static bool make_directory(void)
{
    return mkdir("/nothing-here", 0700) == 0;
}

static bool change_mode(void)
{
    return chmod("/nothing-here", 0777) == 0;
}

static bool allow_dumps(void)
{
    return prctl(PR_SET_DUMPABLE, 1) == 0;
}

static const struct deed killed[] = {
    {"executing a program", execute},
    {"posix_spawn", spawn},
    {"fork", fork_once},
    {"ptrace", trace_parent},
    {"process_vm_readv", read_memory_of_parent},
    {"kill", signal_parent},
    {"tgkill of another process", signal_thread_of_parent},
    {"mount", mount_something},
    {"setresuid", become_another_user},
    {"finit_module", load_module},
    {"bpf", load_bpf},
    {"io_uring_setup", open_ring},
    {"memfd_create", make_file_in_memory},
    {"unshare", unshare_namespace},
    {"a packet socket", open_packet_socket},
    {"a raw socket", open_raw_socket},
    {"memory that is written and executed", map_writable_code},
    {"new memory that is executed", map_new_code},
    {"code that is made writable", make_code_writable},
    {"unlink", remove_file},
    {"mkdir", make_directory},
    {"chmod", change_mode},
    {"prctl", allow_dumps},
};

static void a_call_that_a_daemon_never_makes_ends_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(killed); i++) {
        int status = status_of(killed[i].run, false);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
            fail_msg("%s: status %#x", killed[i].name, (unsigned)status);
    }
}

static bool write_to_device(void)
{
    return open("/dev/null", O_WRONLY | O_CLOEXEC) >= 0;
}

static bool write_and_read(void)
{
    return open("/dev/null", O_RDWR | O_CLOEXEC) >= 0;
}

static bool make_file(void)
{
    return open("/tmp/made-in-a-sandbox", O_RDONLY | O_CREAT | O_CLOEXEC, 0600) >= 0;
}

static bool make_file_by_stream(void)
{
    return fopen("/tmp/made-in-a-sandbox", "we") != NULL;
}

static void a_file_that_is_opened_for_writing_is_refused(void **state)
{
    static const struct deed refused[] = {{"/dev/null for writing", write_to_device},
                                          {"/dev/null for both", write_and_read},
                                          {"a new file", make_file},
                                          {"a new file by fopen", make_file_by_stream}};

    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        int status = status_of(refused[i].run, false);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != REFUSED)
            fail_msg("%s: status %#x", refused[i].name, (unsigned)status);
    }
}

static bool read_from_parent(const char *file)
{
    char path[64], room[16];

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)getppid(), file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && read(fd, room, sizeof(room)) > 0;
}

static bool read_environment_of_parent(void)
{
    return read_from_parent("environ");
}

static bool read_map_of_parent(void)
{
    return read_from_parent("maps");
}

static void nothing_of_another_process_of_the_same_user_can_be_read(void **state)
{
    (void)state;
    assert_true(read_from_parent("../self/environ"));
    int environment = status_of(read_environment_of_parent, true);
    int map = status_of(read_map_of_parent, true);
    assert_true(WIFEXITED(environment) && WEXITSTATUS(environment) == REFUSED);
    assert_true(WIFEXITED(map) && WEXITSTATUS(map) == REFUSED);
}

static void *add_one(void *count)
{
    *(int *)count += 1;
    return count;
}

static bool run_thread(void)
{
    pthread_t thread;
    int count = 0;

    return pthread_create(&thread, NULL, add_one, &count) == 0 && pthread_join(thread, NULL) == 0 &&
           count == 1;
}

static bool resolve_names(void)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL;
    int fault = getaddrinfo("localhost", "80", &hints, &found);

    if (fault == 0)
        freeaddrinfo(found);
    return fault == 0 && getaddrinfo("nowhere.invalid", "80", &hints, &found) != 0;
}

static bool load_library(void)
{
    void *library = dlopen("libnss_files.so.2", RTLD_NOW);
    void *math = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);

    return (library || math) && (!library || dlclose(library) == 0);
}

static bool read_itself(void)
{
    char line[64];
    FILE *file = fopen("/proc/self/smaps_rollup", "re");

    return file && fgets(line, sizeof(line), file) && fclose(file) == 0;
}

static bool abort_signals_itself(void)
{
    signal(SIGUSR1, SIG_IGN);
    return raise(SIGUSR1) == 0;
}

static void what_a_daemon_does_goes_on(void **state)
{
    static const struct deed done[] = {{"a thread", run_thread},
                                       {"names", resolve_names},
                                       {"a library that is loaded late", load_library},
                                       {"its own numbers", read_itself},
                                       {"a signal to itself", abort_signals_itself}};

    (void)state;
    for (size_t i = 0; i < COUNT(done); i++) {
        int status = status_of(done[i].run, false);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != DONE)
            fail_msg("%s: status %#x", done[i].name, (unsigned)status);
    }
}

static bool call_what_is_too_new(void)
{
    return syscall(500) >= 0;
}

static void a_call_that_is_newer_than_the_list_is_not_there(void **state)
{
    (void)state;
    int status = status_of(call_what_is_too_new, false);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == NOT_THERE);
}

static bool has_no_dumps(void)
{
    struct rlimit limit;

    return sandbox_refuse_dumps() && getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0;
}

static void a_crash_leaves_no_dump(void **state)
{
    pid_t child = fork();
    int status = 0;

    (void)state;
    if (child == 0)
        _exit(has_no_dumps() ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_that_a_daemon_never_makes_ends_it),
        cmocka_unit_test(a_file_that_is_opened_for_writing_is_refused),
        cmocka_unit_test(nothing_of_another_process_of_the_same_user_can_be_read),
        cmocka_unit_test(what_a_daemon_does_goes_on),
        cmocka_unit_test(a_call_that_is_newer_than_the_list_is_not_there),
        cmocka_unit_test(a_crash_leaves_no_dump),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
