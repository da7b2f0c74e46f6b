/* A user's timeline: what one user did, by interval and lab type. */
#ifndef USAGE_ANALYTICS_TIMELINE_H
#define USAGE_ANALYTICS_TIMELINE_H

#include "common/table/api.h"

handler_fn timeline_get;

extern const struct shape timeline_query_shape, timeline_shape;

#define TIMELINE_HELP                                                                                        \
    "Events and the sessions that started, by interval and lab type. A user that does not exist (any more) " \
    "can have events: they outlive users. The single steps are listed by GET /analytics/events."

#endif
