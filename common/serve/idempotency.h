/*
 * Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a call that creates something and is sent
 * again is answered as it was the first time, and creates nothing.
 *
 * A key belongs to the subject, the method and the path. It is claimed by the request's first write, in that
 * write's transaction, and the answer is stored in the same transaction: so they are committed exactly when
 * the write is, no transaction is open while a request waits for another service, and a refused request
 * leaves nothing. Answers are kept for a day.
 */
#ifndef COMMON_SERVE_IDEMPOTENCY_H
#define COMMON_SERVE_IDEMPOTENCY_H

#include <stddef.h>

struct request;

#define IDEMPOTENCY_ANSWER_LIMIT ((size_t)1 << 20) /* the most bytes of an answer that can be kept */

/* Runs the request's handler under its Idempotency-Key, or gives the reply of an earlier run. Waits. */
void idempotency_run(struct request *rq);

#endif
