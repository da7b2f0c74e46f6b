/*
 * Lookups: many users and lab types in one call, for the services that keep no copies.
 */
#ifndef USER_PROGRESS_LOOKUPS_H
#define USER_PROGRESS_LOOKUPS_H

#include "common/table/api.h"

#define LOOKUP_TOO_LARGE "Too much for one answer: look up fewer labs, or without details"

handler_fn lookup_answer;

extern const struct shape lookup_in_shape, lookup_shape;

#endif
