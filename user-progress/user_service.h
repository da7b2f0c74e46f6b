/*
 * Users as another service knows them (USER_SVC_BASE_URL).
 */
#ifndef USER_PROGRESS_USER_SERVICE_H
#define USER_PROGRESS_USER_SERVICE_H

#include <stdbool.h>

#include "common/base/declare.h"
#include "common/base/text.h"

#define NO_SUCH_USER "Error in validating userid or user does not exist"

struct request;

/* Whether the other service has the user; false: 400 where it has not, 503 where that cannot be known, is the
 * reply. Waits. */
MUST_CHECK bool user_service_require(struct request *rq, struct text user_id);

#endif
