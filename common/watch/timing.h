/*
 * Where the time of a request went: in the database, in other services, in all.
 *
 * Times are those of the loop's turns: a wait ends when the turn begins that brought its end.
 */
#ifndef COMMON_WATCH_TIMING_H
#define COMMON_WATCH_TIMING_H

#include <stddef.h>
#include <stdint.h>

struct request;
struct statement;

struct timing { /* nanoseconds */
    int64_t database, lookup;
    const struct statement *slowest; /* the statement that was waited for the longest, its queue included */
    int64_t slowest_time;
};

/* Adds the time since `since`, on the loop's clock: of a statement, of the rest of a transaction (no
 * statement), of a call to another service. */
void timing_database(struct request *rq, const struct statement *statement, int64_t since);
void timing_lookup(struct request *rq, int64_t since);

/* The value of a Server-Timing header (W3C, Server Timing), terminated, into TIMING_TEXT_MAX bytes. */
#define TIMING_TEXT_MAX 112
void timing_print(char *out, const struct request *rq);

#endif
