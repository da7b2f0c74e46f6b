/* The series of performance records: how many and how well over time. */
#ifndef PERFORMANCE_REPORTING_SERIES_H
#define PERFORMANCE_REPORTING_SERIES_H

#include "common/table/api.h"

handler_fn series_get;

extern const struct shape record_series_query_shape, record_series_shape;

#endif
