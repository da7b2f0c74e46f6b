/* Users of another service (USER_SVC_BASE_URL). */
#ifndef USER_PROGRESS_USER_SERVICE_H
#define USER_PROGRESS_USER_SERVICE_H

#include <stdbool.h>

#include "common/base/declare.h"
#include "common/base/text.h"

#define NO_SUCH_USER "Error in validating userid or user does not exist"

struct request;

/*
 * Whether the other service has the user. False: the reply is 400 if it has not, 503 if it does not tell.
 * Waits.
 */
MUST_CHECK bool user_service_require(struct request *rq, struct text user_id);

#endif
