/*
 * Lanes: where calls wait for a connection of their kind.
 *
 * A worker has a lane for each kind of statement, each with a few links and one bounded queue. A free link
 * takes what waits as one batch (batch.h).
 */
#ifndef COMMON_PG_LANE_H
#define COMMON_PG_LANE_H

#include "common/base/waiting.h"
#include "common/pg/batch.h"
#include "common/pg/metrics.h"

struct pg {
    struct loop *loop;
    const struct fiber_pool *fibers;
    const struct pg_settings *settings;
    struct pg_schema schema;
    struct pg_metrics *metrics;
    unsigned plans; /* how often the types of columns have changed under prepared statements */
    struct lane *lanes[STATEMENT_KINDS];
};

struct lane {
    struct pg *pg;
    enum statement_kind kind;
    struct waiting_queue queue;
    size_t batch_limit;
    int64_t away_since; /* 0: a link is up */
    struct timer away;  /* the end of the patience with that */
    int64_t backoff;
    size_t count;
    struct batch batches[];
};

/* Makes the lane of a kind with `count` links; NULL when memory is exhausted. */
MUST_CHECK struct lane *lane_open(struct pg *pg, enum statement_kind kind, size_t count, size_t batch_limit);
void lane_close(struct lane *lane);

/* Queues a call for the end of the turn; false when the queue is full or the database has been away for long.
 */
MUST_CHECK bool lane_enqueue(struct lane *lane, struct call *call);

/* Queues calls once more, in their order, before those that came after them; those that have had their tries
 * end. */
void lane_enqueue_again(struct lane *lane, struct call **calls, size_t count, bool alone);

/* Gives free links their batches. Once a turn. */
void lane_flush(struct lane *lane);

/* Gives one free link its batch; something must wait. */
void lane_hand_out(struct batch *batch);

/* Takes in what has come for batches on their way, without waiting for the loop to find it. */
void lane_poll(struct lane *lane);

/* A link has come up, or an attempt to connect has failed. */
void lane_found(struct lane *lane);
void lane_missed(struct lane *lane);

/* Whether a link is up, and how many are. */
bool lane_ready(const struct lane *lane);
size_t lane_links(const struct lane *lane);

/* Whether statements of a kind write. */
static inline bool lane_writes(const struct lane *lane)
{
    return lane->kind == STATEMENT_APPEND || lane->kind == STATEMENT_CHANGE;
}

#endif
