/*
 * Parameters of a query that their shape cannot judge alone.
 */
#ifndef COMMON_ITEMS_PARAMETER_H
#define COMMON_ITEMS_PARAMETER_H

#include "common/base/text.h"
#include "common/table/api.h"

struct request;

/* 422 with one `value_error`: what is wrong with the parameter of that name. */
enum reply reply_bad_parameter(struct request *rq, const char *name, struct text value, const char *message);

#endif
