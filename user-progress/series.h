/* The series of lab attempts: how many and how well over time. */
#ifndef USER_PROGRESS_SERIES_H
#define USER_PROGRESS_SERIES_H

#include "common/table/api.h"

handler_fn series_get;

extern const struct shape attempt_series_query_shape, attempt_series_shape;

#endif
