/*
 * One connection to PostgreSQL, never blocking.
 *
 * A link connects (connect.c), sets its session up and makes the schema where it is not current (session.c),
 * and then carries one batch of executions at a time through libpq's pipeline mode. It reports to its owner
 * by callbacks, made from the loop.
 */
#ifndef COMMON_PG_LINK_H
#define COMMON_PG_LINK_H

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/loop.h"
#include "common/pg/call.h"
#include "common/pg/pg.h"

#define PREPARED_MAX 64 /* statements that a connection prepares; what is beyond is sent unnamed */
#define SQLSTATE_MAX 6  /* bytes of a SQLSTATE and its end */

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
    LINK_FAILED,  /* the execution failed: `sqlstate` says how; the server skips the rest of the batch */
    LINK_SKIPPED, /* the execution was not run */
    LINK_SYNCED,  /* the batch has ended: committed, or rolled back after a failure */
};

struct link {
    struct watch watch;
    struct loop *loop;
    const struct pg_settings *settings;
    const struct pg_schema *schema;
    enum statement_kind kind; /* of what it runs: decides the session's settings */
    const char *url;
    bool replica;       /* of a database that may be a read-only copy: the schema is not made there */
    bool stands_in;     /* a replica was wanted and it is on a primary */
    unsigned turn;      /* of the hosts in the URL: which one is tried first */
    bool proven;        /* this connection has ended a batch */
    struct pg_conn *pq; /* libpq's own */
    enum link_state state;
    unsigned setup_step;
    bool step_failed, schema_current; /* what the results of that step have said so far */
    bool outgoing;                    /* libpq could not send everything yet */
    struct arena scratch;             /* the parameters of the batch on its way */
    const struct statement *prepared[PREPARED_MAX];
    size_t prepared_count;
    const unsigned *plans; /* how often the types of columns have changed, as far as is known */
    unsigned own_plans;    /* the same when this connection last began to prepare */
    char sqlstate[SQLSTATE_MAX];
    void (*up)(struct link *link);
    void (*arrived)(struct link *link); /* results may be there: link_next */
    void (*lost)(struct link *link);
};

/* Starts to connect; false when that cannot even be tried. `up` or `lost` follows. */
MUST_CHECK bool link_connect(struct link *link);

/* Closes without a callback. */
void link_close(struct link *link);

/* Queues one execution; a statement new to this connection is prepared before it. False: lost or no memory.
 */
MUST_CHECK bool link_send(struct link *link, struct execution *execution);

/* Asks for the results so far without ending the batch, or ends it. False: lost. */
MUST_CHECK bool link_send_flush(struct link *link);
MUST_CHECK bool link_send_sync(struct link *link);

/* Writes what is queued. False: lost. */
MUST_CHECK bool link_write(struct link *link);

/* The next thing that arrived. `execution` is the one whose results are due; NULL after the last. */
MUST_CHECK enum link_event link_next(struct link *link, struct execution *execution);

/* Takes in what the socket has, without waiting for the loop to find it. */
void link_poll(struct link *link);

#endif
