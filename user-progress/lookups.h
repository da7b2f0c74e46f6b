/* Lookups: many users and lab types in one call, for the services that have no copies of them. */
#ifndef USER_PROGRESS_LOOKUPS_H
#define USER_PROGRESS_LOOKUPS_H

#include "common/table/api.h"

#define LOOKUP_TOO_LARGE "Too much for one answer: look up fewer labs, or without details"

handler_fn lookup_answer;

/* Finds which of many users and lab types exist; false: the reply is 503. Waits. */
bool lookups_find(struct request *rq, struct texts users, bool *has_user, struct texts labs,
                  bool *has_lab) MUST_CHECK;

extern const struct shape lookup_in_shape, lookup_shape;

#endif
