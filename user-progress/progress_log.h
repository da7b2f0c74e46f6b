/*
 * The progress log: entries that are events, never overwritten (event sourcing).
 *
 * Every change of an entry appends a row to progress_events; how entries stand now is derived from them by
 * the database in the same transaction (schema.sql).
 */
#ifndef USER_PROGRESS_PROGRESS_LOG_H
#define USER_PROGRESS_PROGRESS_LOG_H

#include "common/table/api.h"

handler_fn progress_log_create, progress_log_list, progress_log_update, progress_log_delete;
handler_fn progress_log_delete_all, progress_log_history, progress_log_rollback;

extern const struct shape log_id_shape, as_of_shape, version_shape;
extern const struct shape log_created_shape, log_list_shape, log_updated_shape, log_deleted_shape;
extern const struct shape logs_deleted_shape, log_event_shape;

#endif
