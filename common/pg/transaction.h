/*
 * Transactions of several statements: a link of the lane of changes, taken by one fiber.
 *
 * All of it waits in the fiber of its caller.
 */
#ifndef COMMON_PG_TRANSACTION_H
#define COMMON_PG_TRANSACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/declare.h"

struct batch;
struct call;
struct pg;

/* Waits for a free link; NULL: none before the deadline. Nothing is sent before the first statement. */
MUST_CHECK struct batch *transaction_begin(struct pg *pg, int64_t deadline);

/* Runs one call; its state tells how it went. One that fails ends the transaction, and nothing of it is
 * there.
 */
void transaction_run(struct batch *batch, struct call *call);

/* Ends the transaction; false: nothing of it is there, or nobody knows. */
MUST_CHECK bool transaction_commit(struct batch *batch);

/* Cancels the transaction. */
void transaction_rollback(struct batch *batch);

#endif
