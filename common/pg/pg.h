/*
 * PostgreSQL for one worker: statements run in batches and are answered when they are durable.
 *
 * Calls of many requests that arrive while a batch is in progress form the next one (lane.h). A batch is one
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
 * Opens the lanes of a worker, without waiting for the database. The settings, and what the schema points to,
 * must outlive it. NULL: memory is exhausted.
 */
MUST_CHECK struct pg *pg_open(struct loop *loop, const struct fiber_pool *fibers,
                              const struct pg_settings *settings, const struct pg_schema *schema,
                              struct pg_metrics *metrics);
void pg_close(struct pg *pg);

/* Sends what was queued during the turn; called by the loop at the end of a turn. */
void pg_flush(struct pg *pg);

/* Processes what has arrived for writes in progress, and continues them. */
void pg_poll(struct pg *pg);

/* Whether a connection is up and the schema is current. */
bool pg_ready(const struct pg *pg);

/* Whether those connections were up when the worker of these metrics last flushed: for other threads. */
bool pg_was_ready(const struct pg_metrics *metrics);

/* Whether the database cannot be used at all: its encoding is not UTF8, so it could not store every text. */
bool pg_refused(void);

/* Whether the schema is missing or too old, and only its owner, another role, may make it. */
bool pg_schema_awaited(void);

/* Runs a call in the lane of its kind; its state tells the result. Waits in its fiber. */
void pg_run(struct pg *pg, struct call *call);

/* The version of libpq, for the line that a start logs: 150020. */
int pg_library_version(void);

#endif
