/*
 * Lanes: where calls wait for a connection of their kind, and how batches of them live and die.
 *
 * A worker has a lane for each kind of statement, each with a few links and one bounded queue. A free link
 * takes what waits as one batch. Reads end in one Sync. Writes go in two steps: everything and a Flush, and
 * when all results are in, the Sync that commits. So a write whose connection breaks before the Sync is
 * surely not there, and is run again; one that breaks after it is unknown, and is settled: every batch claims
 * a number in the link's row of write_slots in the same transaction, and whether that claim is there tells
 * whether the batch is.
 */
#ifndef COMMON_PG_LANE_H
#define COMMON_PG_LANE_H

#include "common/pg/link.h"

struct batch;
struct lane;
struct request;
struct worker;

/* The lane of a worker for a kind of statement. */
struct lane *pg_lane(const struct worker *worker, enum statement_kind kind);

/* Makes the lane of a kind with `count` links; NULL when memory is exhausted. */
struct lane *lane_open(struct worker *worker, enum statement_kind kind, size_t count, size_t batch_limit);
void lane_close(struct lane *lane);

/* Queues a call for the end of the turn; false when the queue is full or the database has been away for long.
 */
bool lane_enqueue(struct lane *lane, struct call *call);

/* Gives free links their batches and answers the calls that have waited too long. Once a turn. */
void lane_flush(struct lane *lane);

/* Takes in what has come for batches on their way, without waiting for the loop to find it. */
void lane_poll(struct lane *lane);

/* Whether a link is up, how many are, and how many calls wait for one. */
bool lane_ready(const struct lane *lane);
size_t lane_links(const struct lane *lane);
size_t lane_length(const struct lane *lane);

/*
 * A link of the lane to oneself. lane_take waits until one is free (NULL: none before the deadline); lane_run
 * runs one call on it without ending the transaction; lane_commit ends it, lane_drop breaks it off. The three
 * wait.
 */
struct batch *lane_take(struct lane *lane, int64_t deadline);
void lane_run(struct batch *batch, struct call *call);
bool lane_commit(struct batch *batch);
void lane_drop(struct batch *batch);

#endif
