/*
 * Calls: one statement that one fiber waits for; and executions: what is sent to PostgreSQL and answered as
 * one.
 */
#ifndef COMMON_PG_CALL_H
#define COMMON_PG_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/waiting.h"
#include "common/pg/statement.h"

struct batch;
struct fiber;

enum call_state {
    CALL_WAITING,
    CALL_DONE,
    CALL_CONFLICT,    /* a constraint refused it; nothing was changed */
    CALL_AGAIN,       /* its transaction was rolled back for a reason that may not meet another one */
    CALL_UNAVAILABLE, /* it could not be run, or its outcome is unknown */
};

/* Lives on its fiber's stack until the fiber is resumed. */
struct call {
    struct waiting waiting;            /* in a lane's queue */
    const struct statement *statement; /* NULL: it waits for a whole link */
    const void *params;
    struct arena *arena; /* memory of its rows */
    struct fiber *fiber;
    int64_t deadline;  /* monotonic, nanoseconds */
    bool first_only;   /* rows after the first are not decoded */
    size_t bytes_most; /* of its arena, beyond which no more rows are decoded; 0: all are */
    bool cut;          /* there were such rows */
    bool alone;        /* to be run alone: its batch was aborted */
    unsigned tries;
    enum call_state state;
    char *rows; /* structs of statement->row_size in the arena */
    size_t count, room;
    struct batch *given; /* without a statement: the link that it got */
};

/* One call, or all calls of a set statement. */
struct execution {
    const struct statement *statement;
    struct call **calls; /* NULL: the call has given up */
    size_t count;
    bool preparing; /* the answer to a Parse comes first */
    bool failed;    /* that Parse failed */
};

#endif
