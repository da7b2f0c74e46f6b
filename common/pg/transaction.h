/*
 * Transactions of several statements: on a link of the lane of changes, which belongs to one fiber meanwhile.
 *
 * All functions may wait, in the caller's fiber.
 */
#ifndef COMMON_PG_TRANSACTION_H
#define COMMON_PG_TRANSACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/declare.h"
#include "common/pg/statement.h"

struct batch;
struct call;
struct pg;

/* Waits for a free link; NULL: none before the deadline. Nothing is sent before the first statement. */
MUST_CHECK struct batch *transaction_begin(struct pg *pg, enum statement_kind lane, int64_t deadline);

/*
 * Runs one call; its state tells the result. A call that fails ends the transaction, and nothing of it is
 * committed.
 */
void transaction_run(struct batch *batch, struct call *call);

/* Commits the transaction; false: nothing of it was committed, or the outcome is unknown. */
MUST_CHECK bool transaction_commit(struct batch *batch);

/* Cancels the transaction. */
void transaction_rollback(struct batch *batch);

#endif
