/* The funnel: what became of the sessions that were started. */
#ifndef USAGE_ANALYTICS_FUNNEL_H
#define USAGE_ANALYTICS_FUNNEL_H

#include "common/table/api.h"

handler_fn funnel_get;

extern const struct shape funnel_query_shape, funnel_shape;

#define FUNNEL_HELP                                                                                          \
    "Every `start` of the range is completed, late, open or dropped, whenever its `complete` came: these "   \
    "add up to `started`. Without `from` the range begins 30 times 24 hours before its end; at most 400 "    \
    "days."

#endif
