/* Changes of the progress log: each locks an entry and appends its next event. */
#ifndef USER_PROGRESS_PROGRESS_CHANGE_H
#define USER_PROGRESS_PROGRESS_CHANGE_H

#include <stdbool.h>

#include "common/base/declare.h"
#include "common/table/api.h"

handler_fn progress_log_update, progress_log_delete, progress_log_delete_all, progress_log_rollback;

extern const struct shape log_path_shape, version_shape;
extern const struct shape log_updated_shape, log_deleted_shape, logs_deleted_shape;

struct log_path {
    struct text sent;
    int64_t log_id; /* read from the path by log_reach */
};

/*
 * Finds the entry in the path and checks that the token gives access to it, before anything is locked: nobody
 * waits for other users' entries. False: the reply is 403, 404 or 503. Waits.
 */
MUST_CHECK bool log_reach(struct request *rq, struct log_path *path);

#endif
