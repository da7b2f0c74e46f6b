/*
 * Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): the same POST again answers the first answer
 * again.
 *
 * The key, a hash of the request and its answer are a row of the table idempotency_keys, written in the
 * transaction of the request itself, so that they are there exactly when its effects are. Rows are kept for a
 * day.
 */
#ifndef COMMON_SERVE_IDEMPOTENCY_H
#define COMMON_SERVE_IDEMPOTENCY_H

struct request;

/* Runs the request's handler under its Idempotency-Key, or replies what an earlier run replied. Waits. */
void idempotency_run(struct request *rq);

/* Deletes the keys that are older than a day. Waits. */
void idempotency_forget(struct request *rq);

#endif
