/* The series of usage: events, users and sessions over time. */
#ifndef USAGE_ANALYTICS_SERIES_H
#define USAGE_ANALYTICS_SERIES_H

#include "common/table/api.h"

handler_fn series_get;

extern const struct shape usage_series_query_shape, usage_series_shape;

#endif
