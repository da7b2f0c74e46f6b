/* The system calls that a daemon and its libraries make; every other one ends the process (seccomp(2)). */
#ifndef COMMON_BASE_SANDBOX_CALLS_H
#define COMMON_BASE_SANDBOX_CALLS_H

#include <stdbool.h>

/* Filters the calls of all threads, for good. False if the kernel has no such filter, or memory ends: nothing
 * changed. */
bool sandbox_filter_calls(void);

#endif
