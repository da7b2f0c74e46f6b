/* What this service has of a person: rows by table, wherever the id is. */
#ifndef USER_PROGRESS_PERSON_H
#define USER_PROGRESS_PERSON_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/declare.h"
#include "common/base/text.h"

struct request;

struct person {
    struct text user_id;
    struct text username, email; /* null if there is no such user */
    int64_t users, lab_attempts, progress_events, progress_logs, idempotency_keys;
};

/*
 * Counts what there is of the person `user_id`, on the primary database. Kept answers are counted by id,
 * username and email. False: the reply is 503. Waits.
 */
bool person_count(struct request *rq, struct person *person) MUST_CHECK;

/* Whether there is anything, except kept answers: these name a person who may be somebody else's. */
bool person_is_known(const struct person *person);

#endif
