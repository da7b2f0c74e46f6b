/*
 * Batches: what a link has on its way, and how it lives and dies.
 *
 * Reads end in one Sync. Writes go in two steps: everything and a Flush, and when all results are in, the
 * Sync that commits. So a write whose connection breaks before the Sync is surely not there, and is run
 * again; one that breaks after it is in doubt, and is settled: every batch stamps the link's row of
 * write_slots with a number of its own in the same transaction, and whether that stamp is there tells whether
 * the batch is.
 *
 * batch.c knows the states and sends, outcome.c takes in what comes back, reconnect.c keeps the link.
 */
#ifndef COMMON_PG_BATCH_H
#define COMMON_PG_BATCH_H

#include "common/base/uuid.h"
#include "common/pg/call.h"
#include "common/pg/link.h"

struct batch;
struct lane;
struct pg_metrics;

/* What a batch tells the lane that it belongs to. */
struct batch_events {
    /* Calls are to be run once more: one by one, where `alone`. */
    void (*again)(struct batch *batch, struct call **calls, size_t count, bool alone);
    /* The batch is free, and the link up: the next one may go out. */
    void (*freed)(struct batch *batch);
    /* The link has come up; an attempt to connect has failed: how long to wait before the next one. */
    void (*found)(struct batch *batch);
    int64_t (*missed)(struct batch *batch);
};

enum batch_state {
    BATCH_FREE,   /* nothing is on its way */
    BATCH_RUN,    /* sent without a Sync: nothing of it can be committed yet */
    BATCH_END,    /* a Sync is on its way that commits nothing: of reads, or of what has failed */
    BATCH_COMMIT, /* the Sync that commits is on its way: only its answer tells whether it did */
    BATCH_DOUBT,  /* that answer was lost; waits for the link to come up */
    BATCH_SETTLE, /* the stamp alone is on its way once more, to find out */
    BATCH_OPEN,   /* a transaction whose owner does something else */
};

struct stamp {
    struct text slot;
    int64_t number;
};

struct batch {
    struct link link;
    struct lane *lane;
    const struct batch_events *events;
    struct pg_metrics *metrics;
    struct timer timer; /* the next thing to happen: connect again, or give up */
    enum batch_state state;
    bool wanted;    /* keeps a connection */
    bool failed;    /* a statement failed: the transaction is rolled back */
    bool stamped;   /* the stamp was sent in this transaction */
    bool committed; /* the last transaction is there */
    struct call **calls;
    size_t count;
    struct execution *executions;
    size_t execution_count, at;
    bool owned;          /* taken by transaction_begin */
    struct fiber *owner; /* waits in transaction_run or transaction_commit */
    int64_t owner_deadline;
    bool over; /* the owned transaction has ended, well or not */
    int64_t stands_in_until;
    char slot[UUID_TEXT];
    struct stamp stamp;
    struct stamp answered; /* the row of the stamp */
    struct call stamp_call;
    struct call *stamp_calls[1];
};

/* Makes room for `limit` calls in a batch whose link, lane, events and metrics are set. False: no memory. */
MUST_CHECK bool batch_open(struct batch *batch, size_t limit);
void batch_close(struct batch *batch);

/* The one way from state to state: what each state means for timers and counters happens here. */
void batch_move(struct batch *batch, enum batch_state to);

/* Sends calls on a batch that is free, or open. */
void batch_start(struct batch *batch, struct call *const *calls, size_t count);

/* Sends the Sync that ends what was run. */
void batch_end(struct batch *batch);

/* Finds out what became of a commit, on a link that is up again. */
void batch_settle(struct batch *batch);

/* outcome.c: results may be there. */
void batch_arrived(struct link *link);

/* Resumes a waiting call, or the owner of a transaction where it waits. */
void call_end(struct call *call, enum call_state state);
void batch_resume_owner(struct batch *batch);

/* The earliest deadline of who waits for the batch (INT64_MAX: nobody), and whether anybody does. */
int64_t batch_deadline(const struct batch *batch);
bool batch_is_awaited(const struct batch *batch);

/* Sets the timer of the batch, in nanoseconds from now. */
void batch_set_timer(struct batch *batch, int64_t wait);

/* reconnect.c: keeps a connection from now on; the connection is broken off, or was lost. */
void batch_want(struct batch *batch);
void batch_break(struct batch *batch);
void batch_lost(struct batch *batch);
void batch_due(struct timer *timer);
void batch_link_up(struct link *link);
void batch_link_lost(struct link *link);

#endif
