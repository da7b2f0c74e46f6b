/*
 * One connection to PostgreSQL, never blocking.
 *
 * A link connects (connect.c), sets its session up and makes the schema where it is not current (session.c),
 * and then carries one batch of executions at a time through libpq's pipeline mode. It reports to its owner
 * by callbacks, made from the loop.
 */
#ifndef COMMON_PG_LINK_H
#define COMMON_PG_LINK_H

#include "common/base/declare.h"
#include "common/pg/call.h"
#include "common/pg/connection.h"

enum link_event {
    LINK_WAIT,    /* nothing more has arrived */
    LINK_LOST,    /* the connection is gone, or libpq could not keep what came */
    LINK_ROWS,    /* the execution's rows are in its calls */
    LINK_FAILED,  /* the execution failed: `sqlstate` says how; the server skips the rest of the batch */
    LINK_SKIPPED, /* the execution was not run */
    LINK_SYNCED,  /* the batch has ended: committed, or rolled back after a failure */
};

/* Starts to connect; false when that cannot even be tried. `up` or `lost` follows. */
MUST_CHECK bool link_connect(struct link *link);

/* Queues one execution; a statement new to this connection is prepared before it. False: lost or no memory.
 */
MUST_CHECK bool link_send(struct link *link, struct execution *execution);

/* Asks for the results so far without ending the batch, or ends it. False: lost. */
MUST_CHECK bool link_send_flush(struct link *link);
MUST_CHECK bool link_send_sync(struct link *link);

/* The next thing that arrived. `execution` is the one whose results are due; NULL after the last. */
MUST_CHECK enum link_event link_next(struct link *link, struct execution *execution);

/* Takes in what the socket has, without waiting for the loop to find it. */
void link_poll(struct link *link);

#endif
