/*
 * A library for LD_PRELOAD: one allocation of the process fails, by whichever thread and library it is made.
 *
 * EXHAUSTED_FILE and the program's name make the name of a file, which whoever tests maps too: in it stands
 * which allocation fails, 1 being the next one and 0 none, and how many have failed.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct shared {
    int64_t fails_at, failed;
};

static struct shared *shared;

__attribute__((constructor)) static void map_file(void)
{
    const char *prefix = getenv("EXHAUSTED_FILE");
    char name[PATH_MAX];

    snprintf(name, sizeof(name), "%s.%s", prefix ? prefix : "", program_invocation_short_name);
    int fd = prefix ? open(name, O_RDWR | O_CLOEXEC) : -1;
    void *map = fd >= 0 ? mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (fd >= 0)
        close(fd);
    if (map != MAP_FAILED)
        shared = map;
}

static bool fails(void)
{
    if (!shared || __atomic_load_n(&shared->fails_at, __ATOMIC_RELAXED) <= 0 ||
        __atomic_fetch_sub(&shared->fails_at, 1, __ATOMIC_RELAXED) != 1)
        return false;
    __atomic_fetch_add(&shared->failed, 1, __ATOMIC_RELAXED);
    errno = ENOMEM;
    return true;
}

/* The C library's own, by the names that it has for programs that replace its allocator. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    return fails() ? NULL : __libc_realloc(block, size);
}
