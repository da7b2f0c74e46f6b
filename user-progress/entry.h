/*
 * An entry of the progress log: a user, a date, and members of any names.
 *
 * Values are strings, numbers, which keep the digits that were sent, and booleans.
 */
#ifndef USER_PROGRESS_ENTRY_H
#define USER_PROGRESS_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/declare.h"
#include "common/json/json.h"
#include "common/shape/shape.h"

#define ENTRY_MEMBERS_MAX 100 /* members of its own that an entry may have */

struct request;

struct progress_entry {
    int64_t log_id;
    struct text user_id;
    struct text date;         /* YYYY-MM-DD; null for one that is deleted */
    struct kept_json members; /* an object; null for one that is deleted */
};

extern const struct shape entry_shape;        /* as it is shown */
extern const struct shape entry_in_shape;     /* what creates one */
extern const struct shape entry_change_shape; /* what changes one */

/*
 * Reads the entry that the request's body creates, the date being today's (UTC) where it names none. False:
 * 400 or 503 is the reply. All that is read lives in the request's memory.
 */
MUST_CHECK bool entry_read(struct request *rq, struct progress_entry *entry);

/* The request's body as a JSON object. False: 400 or 503 is the reply. */
MUST_CHECK bool entry_read_object(struct request *rq, const struct json **object);

/*
 * Changes an entry by such an object: members that it names are set, or removed by `null`, new ones come
 * last. False: 400 or 503 is the reply.
 */
MUST_CHECK bool entry_change(struct request *rq, const struct json *object, struct progress_entry *entry);

/* The entry as JSON; the null text when memory is exhausted. */
MUST_CHECK struct text entry_print(struct arena *arena, const struct progress_entry *entry);

#endif
