/*
 * Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a call that creates something and is sent
 * again is answered as it was the first time, and creates nothing.
 *
 * A key belongs to the subject, the method and the path. It is claimed by the request's first write, in that
 * write's transaction, in which the answer is kept too: both are there exactly when the write is. So nothing
 * waits for another service while the transaction is open, and a request that was refused leaves nothing.
 * Answers are kept for a day.
 */
#ifndef COMMON_SERVE_IDEMPOTENCY_H
#define COMMON_SERVE_IDEMPOTENCY_H

struct request;

/* Runs the request's handler under its Idempotency-Key, or replies what an earlier run replied. Waits. */
void idempotency_run(struct request *rq);

#endif
