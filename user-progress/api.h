/* The endpoint table of User Progress. */
#ifndef USER_PROGRESS_API_H
#define USER_PROGRESS_API_H

#include "common/table/api.h"

extern const struct api user_progress_api;

#endif
