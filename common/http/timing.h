/*
 * How long a request took: in the database, in other services, in total.
 *
 * Times are taken once per turn of the loop: a wait ends at the start of the turn in which its result
 * arrived.
 */
#ifndef COMMON_HTTP_TIMING_H
#define COMMON_HTTP_TIMING_H

#include <stdint.h>

struct timing { /* nanoseconds */
    int64_t database, lookup;
    const char *slowest; /* name of the statement with the longest wait, time in the queue included */
    int64_t slowest_time;
};

/* Adds the time of a statement by its name (static), or of the end of a transaction (NULL). */
void timing_database(struct timing *timing, const char *statement, int64_t time);

/* The value of a Server-Timing header (W3C, Server Timing), terminated, into TIMING_TEXT_MAX bytes. */
#define TIMING_TEXT_MAX 112
void timing_print(char *out, const struct timing *timing, int64_t total);

#endif
