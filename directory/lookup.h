/*
 * Looks up users and labs on User Progress, the only source of truth: no copy is kept and nothing is guessed.
 *
 * Lookups that wait while a call is in progress are sent together in the next one, as a POST /lookup; they
 * never join a call that was already sent, so that something deleted before a request began is never found.
 * Names that cannot exist are answered without a call. If User Progress has no /lookup (the original), each
 * name is looked up with plain GETs.
 */
#ifndef DIRECTORY_LOOKUP_H
#define DIRECTORY_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/declare.h"
#include "common/base/text.h"
#include "common/shape/shape.h"
#include "directory/known.h"

struct request;

/*
 * Looks up users and labs: `users[i]` and `labs[i]` are the results for `user_ids[i]` and `lab_types[i]`;
 * texts live in the request's memory. `details`: descriptions and difficulties too, which are null otherwise.
 * False if they cannot be found out; the reply is 503 then. Waits.
 */
bool lookup(struct request *rq, const struct text *user_ids, size_t user_count, struct known_user *users,
            const struct text *lab_types, size_t lab_count, struct known_lab *labs, bool details) MUST_CHECK;

/*
 * Finds which of many users and lab types exist. In the original at most INGEST_PLAIN_LOOKUPS names are
 * looked up. False: the reply is 503. Waits.
 */
bool lookup_all(struct request *rq, struct texts users, bool *has_user, struct texts labs,
                bool *has_lab) MUST_CHECK;

/*
 * Looks up the labs of rows of that size, each of which begins with its lab type, with descriptions and
 * difficulties. NULL: the reply is 503. Waits.
 */
struct known_lab *lookup_labs_of_rows(struct request *rq, struct rows rows, size_t row_size) MUST_CHECK;

/* Looks up one user and one type, which must exist; false: the reply is 404 or 503. Waits. */
bool lookup_require(struct request *rq, struct text user_id, struct text lab_type) MUST_CHECK;
bool lookup_require_user(struct request *rq, struct text user_id, struct known_user *user) MUST_CHECK;
bool lookup_require_lab(struct request *rq, struct text lab_type, struct known_lab *lab) MUST_CHECK;

/* Replies 503: User Progress cannot be asked. */
void lookup_reply_unavailable(struct request *rq);

#endif
