/* Users: created, listed, changed and deleted here; the other two services take them from here. */
#ifndef USER_PROGRESS_USERS_H
#define USER_PROGRESS_USERS_H

#include "common/base/declare.h"
#include "common/table/api.h"
#include "directory/directory.h"

handler_fn users_create, users_list, users_get, users_update, users_delete;

/* Reads a user. False: the reply is 404 if there is none, 503 if the database cannot be read. Waits. */
MUST_CHECK bool users_require(struct request *rq, struct text id, struct user *user);

#endif
