/*
 * PostgreSQL for one worker: statements run in batches, answered when they are durable.
 *
 * Calls of many requests that arrive while a batch is on its way form the next one (lane.c). A batch is one
 * transaction; a write is answered only after its commit. All state belongs to one worker. What handlers call
 * is common/serve/query.h.
 */
#ifndef COMMON_PG_PG_H
#define COMMON_PG_PG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/pg/statement.h"

struct worker;

#define PG_BATCH_MAX 1024 /* statements that a batch may have */

struct pg_settings {
    const char *url;      /* libpq's URI */
    const char *read_url; /* of what may lag; NULL: the same */
    bool prepared_statements;
    int64_t queue_limit; /* statements that wait, a worker and lane */
    int64_t batch_limit; /* statements of one batch */
    int64_t read_connections, append_connections, change_connections, report_connections; /* a worker */
    int64_t request_timeout, report_timeout;                                              /* milliseconds */
};

/* Opens the lanes of a worker (nothing waits for the database to be there); false when memory is exhausted.
 */
bool pg_open(struct worker *worker);
void pg_close(struct worker *worker);

/* Sends what the turn has gathered; called by the loop at the end of a turn. */
void pg_flush(struct worker *worker);

/* Takes in what has come for writes on their way, and sends them on; nothing where there is no database. */
void pg_poll(struct worker *worker);

/* Whether a connection is up and the schema is the one of this daemon. */
bool pg_ready(const struct worker *worker);

/* The library's version, for the documentation of a start: 150020. */
int pg_library_version(void);

#endif
