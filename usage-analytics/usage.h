/* Usage: totals of the events of a lab type, or of the whole platform, over the last days. */
#ifndef USAGE_ANALYTICS_USAGE_H
#define USAGE_ANALYTICS_USAGE_H

#include "common/table/api.h"

handler_fn usage_get_lab, usage_get_trends;

extern const struct shape usage_days_shape, trends_days_shape, usage_shape, trends_shape;

/*
 * Folds the noted changes of events into the counts, which keeps reports cheap (docs/aggregates.md). Waits.
 */
void usage_fold(struct request *rq);

#endif
