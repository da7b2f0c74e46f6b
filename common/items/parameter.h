/* Faults of the input that its shape alone cannot find. */
#ifndef COMMON_ITEMS_PARAMETER_H
#define COMMON_ITEMS_PARAMETER_H

#include "common/base/text.h"
#include "common/table/api.h"

struct faults;
struct request;

/* Adds a `value_error` about the parameter of that name, for a reply that tells of all faults at once. */
void parameter_add_fault(struct request *rq, struct faults *faults, const char *name, struct text value,
                         const char *message);

/* Replies 422 with one `value_error` about the parameter of that name. */
enum reply reply_bad_parameter(struct request *rq, const char *name, struct text value, const char *message);

/* The same about a member of the body. */
enum reply reply_bad_member(struct request *rq, const char *name, struct text value, const char *message);

#endif
