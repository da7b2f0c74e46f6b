/*
 * An entry of the progress log: a user, a date, and members of any names.
 *
 * Values are strings, booleans, and numbers, which keep the digits that were sent.
 */
#ifndef USER_PROGRESS_ENTRY_H
#define USER_PROGRESS_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/declare.h"
#include "common/json/json.h"
#include "common/shape/shape.h"

#define ENTRY_MEMBERS_MAX 100 /* the most members that an entry has besides its user and its date */

struct request;

struct progress_entry {
    int64_t log_id;
    struct text user_id;
    struct text date;         /* YYYY-MM-DD; null if the entry is deleted */
    struct kept_json members; /* an object; null if the entry is deleted */
};

extern const struct shape entry_shape;        /* an entry in an answer */
extern const struct shape entry_in_shape;     /* a body that creates an entry */
extern const struct shape entry_change_shape; /* a body that changes an entry */

/*
 * Reads the entry that the request's body creates; its date is today's (UTC) if none is sent. False: the
 * reply is 400 or 503. What is read is in the request's memory. Does not wait.
 */
MUST_CHECK bool entry_read(struct request *rq, struct progress_entry *entry);

/* Reads the request's body as a JSON object. False: the reply is 400 or 503. */
MUST_CHECK bool entry_read_object(struct request *rq, const struct json **object);

/*
 * Applies such an object to an entry: its members are set, `null` removes one, and new ones are added at the
 * end. False: the reply is 400 or 503.
 */
MUST_CHECK bool entry_change(struct request *rq, const struct json *object, struct progress_entry *entry);

/* Prints the entry as JSON, in the arena; the null text when memory is exhausted. */
MUST_CHECK struct text entry_print(struct arena *arena, const struct progress_entry *entry);

#endif
