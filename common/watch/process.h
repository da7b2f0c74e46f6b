/*
 * What the kernel knows of this process.
 */
#ifndef COMMON_WATCH_PROCESS_H
#define COMMON_WATCH_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct process {
    double cpu_seconds;
    double start_time; /* seconds since 1970 UTC */
    uint64_t resident_bytes, virtual_bytes;
    uint64_t open_descriptors, max_descriptors;
};

/* Reads them from /proc (proc(5)); false where that cannot be read. Does not wait for anybody. */
bool process_read(struct process *process);

/*
 * Gives back the memory of program code and constants (those of the libraries too) that has been touched so
 * far: most of what a start runs is not run again. Nothing is lost; what is needed is mapped again at its
 * next use, at the price of a minor fault (madvise(2), MADV_DONTNEED on pages of files that nobody wrote to).
 */
void process_rest(void);

#endif
