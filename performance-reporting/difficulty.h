/* How difficult the lab types are for those who try them. */
#ifndef PERFORMANCE_REPORTING_DIFFICULTY_H
#define PERFORMANCE_REPORTING_DIFFICULTY_H

#include "common/table/api.h"

handler_fn difficulty_show;

extern const struct shape difficulty_query_shape, difficulty_shape;

#endif
