/*
 * PostgreSQL for one worker: statements run in batches, answered when they are durable.
 *
 * Calls of many requests that arrive while a batch is on its way form the next one (lane.h). A batch is one
 * transaction; a write is answered only after its commit. All state belongs to one worker. What handlers call
 * is common/serve/query.h.
 */
#ifndef COMMON_PG_PG_H
#define COMMON_PG_PG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/declare.h"
#include "common/pg/settings.h"
#include "common/pg/statement.h"

struct call;
struct fiber_pool;
struct loop;
struct pg_metrics;
struct pg;

/*
 * Opens the lanes of a worker; nothing waits for the database to be there. The settings, and what the schema
 * points at, must outlive it. NULL: memory is exhausted.
 */
MUST_CHECK struct pg *pg_open(struct loop *loop, const struct fiber_pool *fibers,
                              const struct pg_settings *settings, const struct pg_schema *schema,
                              struct pg_metrics *metrics);
void pg_close(struct pg *pg);

/* Sends what the turn has gathered; called by the loop at the end of a turn. */
void pg_flush(struct pg *pg);

/* Takes in what has come for writes on their way, and sends them on. */
void pg_poll(struct pg *pg);

/* Whether a connection is up and the schema is the one of this daemon. */
bool pg_ready(const struct pg *pg);

/* Runs a call in the lane of its kind; its state tells how it went. Waits in its fiber. */
void pg_run(struct pg *pg, struct call *call);

/* The library's version, for the documentation of a start: 150020. */
int pg_library_version(void);

#endif
