/* Active users: how many there are, now and by day. */
#ifndef USAGE_ANALYTICS_ACTIVE_H
#define USAGE_ANALYTICS_ACTIVE_H

#include "common/table/api.h"

handler_fn active_get;

extern const struct shape active_query_shape, active_shape;

#define ACTIVE_HELP                                                                                          \
    "A user is active in a time in which an event with a lab type lies, and new in that of the first one. "  \
    "The figures of the last 1, 7 and 30 times 24 hours end now; the lists have a number for each of the "   \
    "last days, which is that of the day, or of the 7 or 30 days that it ends."

#endif
