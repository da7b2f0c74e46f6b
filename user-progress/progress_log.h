/*
 * The progress log: entries are stored as events that are never overwritten (event sourcing).
 *
 * Every change of an entry appends a row to progress_events. In the same transaction the database derives the
 * current entries from it (schema.sql). Changes are in progress_change.h.
 */
#ifndef USER_PROGRESS_PROGRESS_LOG_H
#define USER_PROGRESS_PROGRESS_LOG_H

#include "common/serve/pages.h"
#include "common/table/api.h"
#include "user-progress/person_rows.h"

handler_fn progress_log_create, progress_log_list, progress_log_history;

extern const struct shape as_of_shape, log_created_shape, log_list_shape, log_event_shape;

/* A page of a user's entries, the current ones or those of a given time. */
struct entries_after {
    struct text user_id;
    struct moment at;
    int64_t log_id, limit;
};

/* Pages of a user's current entries whose ids are larger than `log_id`; `after` lives as long as they do. */
struct pages progress_log_pages(struct request *rq, struct entries_after *after);

/* All versions of a user's entries in the export of a person. */
extern const struct person_rows entries_of_person;

#endif
