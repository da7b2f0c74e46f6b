/* Erasures of people: they begin here, and end when the two other services have erased their part too. */
#ifndef USER_PROGRESS_ERASURES_H
#define USER_PROGRESS_ERASURES_H

#include "common/table/api.h"

handler_fn erasures_create, erasures_get;

extern const struct shape erasure_query_shape, erasure_in_shape, erasure_begun_shape, erasure_preview_shape,
    erasure_path_shape, erasure_shape;

#endif
