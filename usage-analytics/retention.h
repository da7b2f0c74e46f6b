/* The deletion of events by their age. */
#ifndef USAGE_ANALYTICS_RETENTION_H
#define USAGE_ANALYTICS_RETENTION_H

#include "common/table/api.h"

handler_fn retention_run;

/* Deletes what is older than RETENTION_DAYS, a slice per call. Waits. */
void retention_upkeep(struct request *rq);

#endif
