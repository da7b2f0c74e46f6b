/* Statistics of the resources that records report. */
#ifndef PERFORMANCE_REPORTING_RESOURCES_H
#define PERFORMANCE_REPORTING_RESOURCES_H

#include "common/table/api.h"

handler_fn resources_show;

extern const struct shape resources_query_shape, resources_shape;

#endif
