/*
 * Lanes: where calls wait for a connection of their kind.
 *
 * A worker has a lane for each kind of statement, each with a few links and one bounded queue. A free link
 * takes the waiting calls as one batch (batch.h).
 */
#ifndef COMMON_PG_LANE_H
#define COMMON_PG_LANE_H

#include "common/base/waiting.h"
#include "common/pg/batch.h"
#include "common/pg/metrics.h"

struct pg {
    struct loop *loop;
    struct resolver *resolver; /* of the hosts' names */
    const struct fiber_pool *fibers;
    const struct pg_settings *settings;
    struct pg_schema schema;
    struct pg_metrics *metrics;
    unsigned plans; /* how often types of columns of prepared statements have changed */
    struct lane *lanes[STATEMENT_KINDS];
};

struct lane {
    struct pg *pg;
    enum statement_kind kind;
    struct waiting_queue queue;
    size_t batch_limit;
    int64_t away_since; /* 0: a link is up */
    struct timer away;  /* for the time when calls are refused because of that */
    int64_t backoff;
    size_t count;
    struct batch batches[];
};

/* Creates the lane of a kind with `count` links; NULL when memory is exhausted. */
MUST_CHECK struct lane *lane_open(struct pg *pg, enum statement_kind kind, size_t count, size_t batch_limit);
void lane_close(struct lane *lane);

/*
 * Queues a call for the end of the turn; false if the queue is full or the database has been away for long.
 */
MUST_CHECK bool lane_enqueue(struct lane *lane, struct call *call);

/* Gives free links their batches. Once per turn. */
void lane_flush(struct lane *lane);

/* Processes what has arrived for batches in progress, without waiting for the loop to report it. */
void lane_poll(struct lane *lane);

/* Whether a link is up, and how many are. */
bool lane_ready(const struct lane *lane);
size_t lane_links(const struct lane *lane);
#endif
