/*
 * Users: made, listed, changed and deleted here, the source of truth for all three services.
 */
#ifndef USER_PROGRESS_USERS_H
#define USER_PROGRESS_USERS_H

#include "common/base/declare.h"
#include "common/table/api.h"
#include "directory/directory.h"

handler_fn users_create, users_list, users_get, users_update, users_delete;

/* Reads a user; false when there is none, 404 being the reply, or it cannot be known. Waits. */
MUST_CHECK bool users_require(struct request *rq, struct text id, struct user *user);

#endif
