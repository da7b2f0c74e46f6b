/*
 * One connection to PostgreSQL, never blocking.
 *
 * A link connects (connect.c), sets up its session, creates or updates the schema if necessary (session.c),
 * and then runs one batch of executions at a time in libpq's pipeline mode. It reports to its owner by
 * callbacks from the loop.
 */
#ifndef COMMON_PG_LINK_H
#define COMMON_PG_LINK_H

#include "common/base/declare.h"
#include "common/pg/call.h"
#include "common/pg/connection.h"

enum link_event {
    LINK_WAIT,    /* nothing more has arrived */
    LINK_LOST,    /* the connection is lost, or libpq could not store what arrived */
    LINK_ROWS,    /* the execution's rows are stored in its calls */
    LINK_FAILED,  /* the execution failed: `sqlstate` says how; the server skips the rest of the batch */
    LINK_SKIPPED, /* the execution was not run */
    LINK_SYNCED,  /* the batch has ended: committed, or rolled back after a failure */
};

/* Starts to connect; false if that cannot be tried. `up` or `lost` follows. */
MUST_CHECK bool link_connect(struct link *link);

/* Queues one execution; a statement new to this connection is prepared before it. False: lost or no memory.
 */
MUST_CHECK bool link_send(struct link *link, struct execution *execution);

/* Requests the results so far without ending the batch; ends the batch. False: lost. */
MUST_CHECK bool link_send_flush(struct link *link);
MUST_CHECK bool link_send_sync(struct link *link);

/* The next event. `execution` is the one whose results are expected; NULL after the last. */
MUST_CHECK enum link_event link_next(struct link *link, struct execution *execution);

/* Processes what the socket has received, without waiting for the loop to report it. */
void link_poll(struct link *link);

#endif
