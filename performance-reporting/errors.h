/* The errors of a lab type, the most frequent first. */
#ifndef PERFORMANCE_REPORTING_ERRORS_H
#define PERFORMANCE_REPORTING_ERRORS_H

#include "common/table/api.h"

handler_fn errors_show;

extern const struct shape errors_query_shape, errors_shape;

#endif
