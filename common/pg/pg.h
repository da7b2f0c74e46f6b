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

#include "common/pg/statement.h"

struct worker;

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
