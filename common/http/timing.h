/*
 * Where the time of a request went: in the database, in other services, in all.
 *
 * Times are those of the loop's turns: a wait ends when the turn begins that brought its end.
 */
#ifndef COMMON_HTTP_TIMING_H
#define COMMON_HTTP_TIMING_H

#include <stdint.h>

struct timing { /* nanoseconds */
    int64_t database, lookup;
    const char *slowest; /* name of the statement that was waited for longest, its queue included */
    int64_t slowest_time;
};

/* Adds the time of the statement of that name (static), or of the rest of a transaction (NULL). */
void timing_database(struct timing *timing, const char *statement, int64_t time);

/* The value of a Server-Timing header (W3C, Server Timing), terminated, into TIMING_TEXT_MAX bytes. */
#define TIMING_TEXT_MAX 112
void timing_print(char *out, const struct timing *timing, int64_t total);

#endif
