/* What the kernel reports about this process. */
#ifndef COMMON_WATCH_PROCESS_H
#define COMMON_WATCH_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/declare.h"

struct process {
    double cpu_seconds;
    double start_time;      /* seconds since 1970 UTC */
    uint64_t private_bytes; /* of the process alone: not shared with others as files or after a fork */
    uint64_t resident_bytes, virtual_bytes;
    uint64_t open_descriptors, max_descriptors;
};

/* Reads them from /proc (proc(5)); false where that cannot be read. Does not wait. */
bool process_read(struct process *process) MUST_CHECK;

#endif
