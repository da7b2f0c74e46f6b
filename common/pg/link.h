/*
 * One connection to PostgreSQL, never blocking: what lane.c is built on, and pg.c does with libpq.
 *
 * A link connects, sets its session up (and makes the schema where it is not current), and then carries one
 * batch of executions at a time through libpq's pipeline mode. It reports to its owner by callbacks, made
 * from the loop.
 */
#ifndef COMMON_PG_LINK_H
#define COMMON_PG_LINK_H

#include "common/base/arena.h"
#include "common/base/loop.h"
#include "common/pg/pg.h"

#define PREPARED_MAX 64 /* statements that a connection prepares; what is beyond is sent unnamed */

enum call_state { CALL_WAITING, CALL_DONE, CALL_CONFLICT, CALL_UNAVAILABLE };

/* One statement that one fiber waits for; lives on that fiber's stack until it is taken up again. */
struct call {
    struct call *next; /* in a lane's queue */
    const struct statement *statement;
    const void *params;
    struct arena *arena;
    struct fiber *fiber;
    int64_t deadline;
    bool first_only; /* rows after the first are not decoded */
    bool alone;      /* not to be batched again: its batch was aborted */
    unsigned tries;
    enum call_state state;
    char *rows; /* structs of statement->row_size in the arena */
    size_t count, room;
};

/* What is sent and answered as one: one call, or all calls of a set statement. */
struct execution {
    const struct statement *statement;
    struct call **calls; /* NULL where a call has given up */
    size_t count;
    bool preparing; /* link_send: the answer to a Parse comes first */
    bool failed;    /* that Parse failed */
};

enum link_state {
    LINK_DOWN,
    LINK_CONNECTING,
    LINK_SETUP, /* session settings, schema */
    LINK_UP,
};

enum link_event {
    LINK_WAIT,    /* nothing more has arrived */
    LINK_LOST,    /* the connection is gone, or libpq could not keep what came */
    LINK_ROWS,    /* the execution's rows are in its calls */
    LINK_FAILED,  /* the execution failed: `sqlstate` says how; the rest of the batch is skipped by the server
                   */
    LINK_SKIPPED, /* the execution was not run */
    LINK_SYNCED,  /* the batch has ended: committed, or rolled back after a failure */
};

struct link {
    struct watch watch;
    struct loop *loop;
    const struct settings *settings;
    const struct api *api;
    const char *url;
    bool replica;         /* of a database that may be a read-only copy: the schema is not made there */
    bool stands_in;       /* it was asked for a replica and is on a primary */
    unsigned turn;        /* of the hosts in the URL: which one is tried first */
    bool proven;          /* this connection has ended a batch */
    struct pg_conn *conn; /* libpq's own */
    enum link_state state;
    unsigned setup_step;
    bool step_failed, schema_current; /* what the results of that step have said so far */
    bool outgoing;                    /* libpq could not send everything yet */
    struct arena scratch;             /* the parameters of the batch on its way */
    const struct statement *prepared[PREPARED_MAX];
    size_t prepared_count;
    int64_t statement_timeout; /* milliseconds, of the session */
    int64_t lock_timeout;
    bool by_index; /* its statements are short: plans by index only */
    char sqlstate[6];
    void (*up)(struct link *link);
    void (*arrived)(struct link *link); /* results may be there: link_next */
    void (*lost)(struct link *link);
};

/* Starts to connect; false when that cannot even be tried. `up` or `lost` follows. */
bool link_connect(struct link *link);

/* Closes without a callback. */
void link_close(struct link *link);

/* Queues one execution; a statement new to this connection is prepared before it. False: lost or no memory.
 */
bool link_send(struct link *link, struct execution *execution);

/* Asks for the results so far without ending the batch, or ends it. */
bool link_send_flush(struct link *link);
bool link_send_sync(struct link *link);

/* Writes what is queued. False: lost. */
bool link_write(struct link *link);

/* The next thing that arrived. `execution` is the one whose results are due; NULL after the last. */
enum link_event link_next(struct link *link, struct execution *execution);

/* Warns that the database cannot be reached: once in a while for all links, else only where debugging is on.
 */
void link_complain(const struct link *link, const char *reason);

/* Whether any link of this process has found or made the current schema. */
bool link_schema_ready(void);

/* Asks the next connection to look at the schema again: a table was missing. */
void link_schema_doubt(void);

#endif
