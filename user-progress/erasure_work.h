/*
 * What an erasure does: its part in this service's own tables, and its upkeep, which does the parts of all
 * services until each has been swept twice.
 */
#ifndef USER_PROGRESS_ERASURE_WORK_H
#define USER_PROGRESS_ERASURE_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/declare.h"
#include "common/base/text.h"

struct part;
struct request;

#define ERASURE_SERVICE "user-progress"

/* The part of an erasure in one service. */
struct erasure_part {
    struct text erasure_id, user_id, service;
    int64_t sweeps; /* that are done */
};

/*
 * Deletes a user's rows in this service, at most `limit` attempts and entries, and counts them, in the
 * request's transaction; `*more`: there may be others. False: the reply is 503, and the transaction must not
 * be committed. Waits.
 */
bool erasure_erase_own(struct request *rq, const struct erasure_part *part, int64_t limit,
                       bool *more) MUST_CHECK;

/* Goes on with every erasure that is due. Waits. */
void erasures_upkeep(struct request *rq);

#define ERASURES_EVERY 500 /* milliseconds */

/* The part of the worker with the metrics of erasures. */
extern const struct part erasures_part;

#endif
