#include "common/base/sandbox.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/sandbox_calls.h"

/*
 * What Landlock may be told to refuse, as of its version 6 (landlock(7)); the headers of Debian 12 stop at
 * version 2. Older versions take a shorter struct.
 */
struct restrictions {
    uint64_t files, network, scopes;
};

enum {
    FILES_VERSION_1 = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1,
    FILES_REFER = 1 << 13,    /* since version 2: moving files between directories */
    FILES_TRUNCATE = 1 << 14, /* since version 3 */
    FILES_DEVICES = 1 << 15,  /* since version 5: ioctl(2) on devices */
    FILES_LOOK = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
    SCOPE_SIGNALS = 1 << 1, /* since version 6: no signals to other processes */
};

bool sandbox_refuse_dumps(void)
{
    const struct rlimit none = {0, 0};
    int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);

    /* The limit does not hold for programs that collect dumps; they get one without memory then (core(5)). */
    bool emptied = fd >= 0 && write(fd, "0", 1) == 1;
    if (fd >= 0)
        close(fd);
    return setrlimit(RLIMIT_CORE, &none) == 0 && emptied;
}

#ifdef WITHOUT_SANDBOX

struct sandbox sandbox_enter(void)
{
    return (struct sandbox){0};
}

#else

/*
 * Nothing may be written, made, removed or executed, wherever it is; reading stays as it is. A process in a
 * domain can look into no process outside of it either: neither its memory nor its environment (ptrace(2)).
 */
static long refuse_writing(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct restrictions refused = {.files = FILES_VERSION_1 & ~FILES_LOOK};
    size_t size = offsetof(struct restrictions, network);

    if (version < 1)
        return 0;
    refused.files |= version >= 2 ? FILES_REFER : 0;
    refused.files |= version >= 3 ? FILES_TRUNCATE : 0;
    refused.files |= version >= 5 ? FILES_DEVICES : 0;
    if (version >= 6) {
        refused.scopes = SCOPE_SIGNALS;
        size = sizeof(refused);
    }
    long rules = syscall(SYS_landlock_create_ruleset, &refused, size, 0);
    if (rules < 0)
        return 0;
    bool holds = syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    close((int)rules);
    return holds ? version : 0;
}

static bool has_more(const struct __user_cap_data_struct words[_LINUX_CAPABILITY_U32S_3], uint32_t kept)
{
    uint32_t more = (words[0].permitted & ~kept) | words[0].inheritable;

    for (size_t i = 1; i < _LINUX_CAPABILITY_U32S_3; i++)
        more |= words[i].permitted | words[i].inheritable;
    return more != 0;
}

/*
 * Leaves root what a daemon of root may need, ports below 1024 and files and sockets of other users, and
 * takes the rest: with CAP_PERFMON alone it could read other processes in spite of Landlock
 * (capabilities(7)).
 */
static bool drop_capabilities(void)
{
    const uint32_t kept = 1U << CAP_DAC_OVERRIDE | 1U << CAP_NET_BIND_SERVICE; /* both in the first word */
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct words[_LINUX_CAPABILITY_U32S_3] = {0};

    if (syscall(SYS_capget, &header, words) != 0)
        return false;
    if (!has_more(words, kept))
        return true; /* a service manager may refuse even the call */
    words[0].permitted &= kept;
    words[0].effective &= kept;
    words[0].inheritable = 0;
    for (size_t i = 1; i < _LINUX_CAPABILITY_U32S_3; i++)
        words[i] = (struct __user_cap_data_struct){0};
    return syscall(SYS_capset, &header, words) == 0;
}

struct sandbox sandbox_enter(void)
{
    struct sandbox sandbox = {0};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !drop_capabilities())
        return sandbox;
    sandbox.landlock = refuse_writing();
    sandbox.calls = sandbox_filter_calls();
    return sandbox;
}

#endif
