/* How the completion times of a lab type are distributed. */
#ifndef PERFORMANCE_REPORTING_TIMES_H
#define PERFORMANCE_REPORTING_TIMES_H

#include "common/table/api.h"

handler_fn times_show;

extern const struct shape times_query_shape, times_shape;

#endif
