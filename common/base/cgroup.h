/*
 * How much memory this process may have: the limits of its control groups (cgroups(7)).
 */
#ifndef COMMON_BASE_CGROUP_H
#define COMMON_BASE_CGROUP_H

#include <stdint.h>

/*
 * The smallest limit on the way from the process's own control group to the root, of version 2 and of version
 * 1, in bytes; UINT64_MAX where there is none or it cannot be read. `root` stands before /proc and /sys: ""
 * except in tests.
 */
uint64_t cgroup_memory_limit(const char *root);

/*
 * What to use of it by default: half of the smallest limit; without one, or with one beyond the machine's
 * memory, an eighth of that, at least 64 MiB and at most 1 GiB.
 */
uint64_t cgroup_memory_share(uint64_t limit, uint64_t machine);

#endif
