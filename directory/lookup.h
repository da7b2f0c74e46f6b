/*
 * Looking users and labs up on User Progress, the one truth: no copy is kept and nothing is guessed.
 *
 * Lookups join the next batch: those that wait while a call is on its way go together in the following one,
 * as one POST /lookup; never in a call that has left already, so that what was deleted before a request began
 * is never found. Where the other side has no /lookup (the original), each is asked for by plain GETs.
 */
#ifndef DIRECTORY_LOOKUP_H
#define DIRECTORY_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/text.h"

struct request;
struct worker;

struct known_user {
    struct text id; /* null: there is none */
    struct text username;
};

/* The oldest lab of a type. */
struct known_lab {
    struct text lab_type; /* null: there is no lab of that type */
    struct text name, description, difficulty;
};

/* Opens the lookups of a worker; false when memory is exhausted. */
bool lookups_open(struct worker *worker);
void lookups_close(struct worker *worker);

/* Sends what the turn has gathered; called by the loop at the end of a turn. */
void lookups_flush(struct worker *worker);

/*
 * Asks for users and labs: `users[i]` and `labs[i]` tell of `user_ids[i]` and `lab_types[i]`; texts live in
 * the request's memory. False when it cannot be known, 503 being the reply. Waits.
 */
bool lookup(struct request *rq, const struct text *user_ids, size_t user_count, struct known_user *users,
            const struct text *lab_types, size_t lab_count, struct known_lab *labs);

/* The same for one user and one type, which must exist: false when the reply is 404 or 503 already. Waits. */
bool lookup_require(struct request *rq, struct text user_id, struct text lab_type);
bool lookup_require_user(struct request *rq, struct text user_id, struct known_user *user);
bool lookup_require_lab(struct request *rq, struct text lab_type, struct known_lab *lab);

/* Whether User Progress answers at all. Waits. */
bool lookup_reaches(struct request *rq);

/* 503: User Progress cannot be asked. */
void lookup_reply_unavailable(struct request *rq);

#endif
