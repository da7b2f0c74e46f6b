/*
 * Looking users and labs up on User Progress, the one truth: no copy is kept and nothing is guessed.
 *
 * Lookups join the next call: those that wait while one is on its way go together in the following one, as a
 * POST /lookup; never in a call that has left already, so that what was deleted before a request began is
 * never found. Names that cannot exist are answered without a call. Where the other side has no /lookup (the
 * original), each is asked for by plain GETs.
 */
#ifndef DIRECTORY_LOOKUP_H
#define DIRECTORY_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/declare.h"
#include "common/base/text.h"
#include "directory/known.h"

struct request;

/*
 * Asks for users and labs: `users[i]` and `labs[i]` tell of `user_ids[i]` and `lab_types[i]`; texts live in
 * the request's memory. `details`: descriptions and difficulties too, which are null otherwise. False when it
 * cannot be known, 503 being the reply. Waits.
 */
bool lookup(struct request *rq, const struct text *user_ids, size_t user_count, struct known_user *users,
            const struct text *lab_types, size_t lab_count, struct known_lab *labs, bool details) MUST_CHECK;

/* The same for one user and one type, which must exist: false when the reply is 404 or 503 already. Waits. */
bool lookup_require(struct request *rq, struct text user_id, struct text lab_type) MUST_CHECK;
bool lookup_require_user(struct request *rq, struct text user_id, struct known_user *user) MUST_CHECK;
bool lookup_require_lab(struct request *rq, struct text lab_type, struct known_lab *lab) MUST_CHECK;

/* 503: User Progress cannot be asked. */
void lookup_reply_unavailable(struct request *rq);

#endif
