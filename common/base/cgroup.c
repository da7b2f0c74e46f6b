#include "common/base/cgroup.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARE_LEAST ((uint64_t)64 << 20)
#define SHARE_MOST  ((uint64_t)1 << 30)

/* The number in a file; UINT64_MAX for "max" and if there is no such file. */
static uint64_t read_limit(const char *path)
{
    char line[32];
    uint64_t bytes = UINT64_MAX;
    FILE *file = fopen(path, "re");

    if (!file)
        return UINT64_MAX;
    if (fgets(line, sizeof(line), file) && line[0] >= '0' && line[0] <= '9')
        bytes = strtoull(line, NULL, 10);
    fclose(file);
    return bytes;
}

/*
 * The smallest limit from a group up to the root; in a container only groups above its own path may be
 * visible.
 */
static uint64_t smallest_limit(const char *root, const char *mount, char *group, const char *file)
{
    uint64_t smallest = UINT64_MAX;

    for (;;) {
        char path[PATH_MAX];
        int len = snprintf(path, sizeof(path), "%s%s%s/%s", root, mount, group, file);
        uint64_t limit = len > 0 && (size_t)len < sizeof(path) ? read_limit(path) : UINT64_MAX;
        if (limit < smallest)
            smallest = limit;
        char *slash = strrchr(group, '/');
        if (!slash)
            return smallest;
        *slash = '\0';
    }
}

/* Whether a list of controllers, separated by commas, contains `memory`. */
static bool has_memory(const char *controllers, size_t len)
{
    for (const char *end = controllers + len; controllers < end;) {
        const char *comma = memchr(controllers, ',', (size_t)(end - controllers));
        size_t one = (size_t)((comma ? comma : end) - controllers);
        if (one == 6 && memcmp(controllers, "memory", 6) == 0)
            return true;
        controllers += one + 1;
    }
    return false;
}

/*
 * The limit for a line of /proc/self/cgroup: `0::/path` of version 2, `4:memory,hugetlb:/path` of version 1.
 */
static uint64_t limit_of_line(const char *root, char *line)
{
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;

    if (!group)
        return UINT64_MAX;
    size_t len = (size_t)(group - controllers - 1);
    group++;
    group[strcspn(group, "\n")] = '\0';
    if (strncmp(line, "0::", 3) == 0)
        return smallest_limit(root, "/sys/fs/cgroup", group, "memory.max");
    return has_memory(controllers + 1, len)
               ? smallest_limit(root, "/sys/fs/cgroup/memory", group, "memory.limit_in_bytes")
               : UINT64_MAX;
}

uint64_t cgroup_memory_limit(const char *root)
{
    char path[PATH_MAX], line[PATH_MAX];
    uint64_t smallest = UINT64_MAX;
    int len = snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
    FILE *file = len > 0 && (size_t)len < sizeof(path) ? fopen(path, "re") : NULL;

    while (file && fgets(line, sizeof(line), file)) {
        uint64_t limit = limit_of_line(root, line);
        if (limit < smallest)
            smallest = limit;
    }
    if (file)
        fclose(file);
    return smallest;
}

uint64_t cgroup_memory_share(uint64_t limit, uint64_t machine)
{
    uint64_t share = machine / 8;

    if (limit < machine)
        return limit / 2;
    if (share < SHARE_LEAST)
        return SHARE_LEAST;
    return share < SHARE_MOST ? share : SHARE_MOST;
}
