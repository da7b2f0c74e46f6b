/* How much memory this process may use: the limits of its control groups (cgroups(7)). */
#ifndef COMMON_BASE_CGROUP_H
#define COMMON_BASE_CGROUP_H

#include <stdint.h>

/*
 * The smallest limit in bytes from the process's own control group up to the root, in versions 1 and 2;
 * UINT64_MAX if there is none or it cannot be read. `root` is the prefix of /proc and /sys: "" except in
 * tests.
 */
uint64_t cgroup_memory_limit(const char *root);

/*
 * The default budget in bytes for such a limit: half of it. Without a limit, or with one above the memory of
 * the machine: an eighth of the machine's memory, at least 64 MiB and at most 1 GiB.
 */
uint64_t cgroup_memory_share(uint64_t limit, uint64_t machine);

#endif
