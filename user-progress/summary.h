/* Count, dates and averages of a user's entries in the progress log. */
#ifndef USER_PROGRESS_SUMMARY_H
#define USER_PROGRESS_SUMMARY_H

#include "common/table/api.h"

handler_fn progress_summary_get;

extern const struct shape progress_summary_shape;

#endif
