/* The endpoint table of Usage Analytics. */
#ifndef USAGE_ANALYTICS_API_H
#define USAGE_ANALYTICS_API_H

#include "common/table/api.h"

extern const struct api usage_analytics_api;

#endif
