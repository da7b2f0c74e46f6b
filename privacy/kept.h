/*
 * The answers that are kept for an Idempotency-Key, of which some name a person: they go with the person.
 */
#ifndef PRIVACY_KEPT_H
#define PRIVACY_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/declare.h"
#include "common/base/text.h"

struct request;

/*
 * Counts the answers in which the value of a member is exactly one of the names; null ones are skipped. They
 * read all answers of the last day, some at a time. False: the reply is 503. They wait.
 */
bool kept_count(struct request *rq, const struct text *names, size_t count, int64_t *rows) MUST_CHECK;

/* Deletes them, in the request's transaction if it has one. */
bool kept_forget(struct request *rq, const struct text *names, size_t count, int64_t *rows) MUST_CHECK;

#endif
