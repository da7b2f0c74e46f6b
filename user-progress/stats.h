/* Statistics of a user: over all lab attempts and by lab type. */
#ifndef USER_PROGRESS_STATS_H
#define USER_PROGRESS_STATS_H

#include "common/table/api.h"

handler_fn stats_get;

extern const struct shape stats_shape;

#endif
