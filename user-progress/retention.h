/* The deletion of attempts by their age. */
#ifndef USER_PROGRESS_RETENTION_H
#define USER_PROGRESS_RETENTION_H

#include "common/table/api.h"

handler_fn retention_run;

/* Deletes what is older than RETENTION_DAYS, a slice per call. Waits. */
void retention_upkeep(struct request *rq);

#endif
