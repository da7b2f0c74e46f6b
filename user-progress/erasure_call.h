/* The call by which the other services erase a person's rows, or count them. */
#ifndef USER_PROGRESS_ERASURE_CALL_H
#define USER_PROGRESS_ERASURE_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/declare.h"
#include "common/base/text.h"
#include "privacy/other.h"

struct request;

#define ERASURE_COUNTS_MAX 4 /* tables of a service, and the kept answers */

struct erasure_count {
    struct text kind;
    int64_t rows;
};

struct erasure_answer {
    int64_t deleted;
    bool remaining;
    struct text counts_json; /* as it was sent */
    struct erasure_count counts[ERASURE_COUNTS_MAX];
    size_t count;
};

/*
 * Calls a service, with `query` (`?dry_run=true`), until the request's deadline. `*answer` lives as long as
 * the request; `*why` is set if the state is not OTHER_ANSWERED. Waits.
 */
enum other_state erasure_call(struct request *rq, enum other other, struct text user_id, const char *query,
                              struct erasure_answer *answer, const char **why) MUST_CHECK;

#endif
