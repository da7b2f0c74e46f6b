/*
 * Batches: the statements that a link has sent, and their states until they are answered.
 *
 * Reads are sent with one Sync. Writes are sent in two steps: all statements and a Flush, and when all
 * results have arrived, the Sync that commits. So if the connection breaks before the Sync, a write was
 * certainly not committed, and is run again; if it breaks after it, the write is in doubt and has to be
 * settled: every batch that writes stores a new number (its stamp) in the link's row of write_slots in the
 * same transaction, and the batch was committed if its stamp is found there.
 *
 * batch.c changes states and sends; above it, outcome.c processes results and reconnect.c keeps the link
 * connected.
 */
#ifndef COMMON_PG_BATCH_H
#define COMMON_PG_BATCH_H

#include "common/base/uuid.h"
#include "common/pg/call.h"
#include "common/pg/link.h"

#define BATCH_IDLE (60 * SECOND) /* without use: then a connection that was opened on demand is closed */

struct batch;
struct lane;
struct pg_metrics;

/* How a batch calls the lane that it belongs to. */
struct batch_events {
    /* Calls must be run again; one by one, if `alone`. */
    void (*again)(struct batch *batch, struct call **calls, size_t count, bool alone);
    /* The batch is free and the link is up: the next calls may be sent. */
    void (*freed)(struct batch *batch);
    /*
     * The link has come up. An attempt to connect has failed; the result is how long to wait before the next
     * one.
     */
    void (*found)(struct batch *batch);
    int64_t (*missed)(struct batch *batch);
};

enum batch_state {
    BATCH_FREE,   /* nothing is sent */
    BATCH_RUN,    /* sent without a Sync: nothing of it can be committed yet */
    BATCH_END,    /* a Sync is sent that commits nothing: of reads, or after a failure */
    BATCH_COMMIT, /* the Sync that commits is sent: only its answer tells whether it was committed */
    BATCH_DOUBT,  /* that answer was lost; waits until the link is up */
    BATCH_SETTLE, /* the stamp alone is sent again, to find out */
    BATCH_OPEN,   /* a transaction whose owner is doing something else */
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
    struct timer timer; /* for the next event: connect again, or give up */
    enum batch_state state;
    bool wanted;    /* it keeps a connection */
    bool on_demand; /* it opens one when it is needed, and closes it when it is not for a while */
    bool was_up;    /* the connection that was lost last had come up */
    bool failed;    /* a statement failed: the transaction will be rolled back */
    bool stamped;   /* the stamp was sent in this transaction */
    bool committed; /* the last transaction was committed */
    struct call **calls;
    size_t count;
    struct execution *executions;
    size_t execution_count, at;
    bool owned;          /* taken by transaction_begin */
    struct fiber *owner; /* waits in transaction_run or transaction_commit */
    int64_t owner_deadline;
    bool over; /* the owned transaction has ended, committed or not */
    int64_t stands_in_until;
    char slot[UUID_TEXT];
    struct stamp stamp;
    struct stamp answered; /* the row of the stamp */
    struct call stamp_call;
    struct call *stamp_calls[1];
};

/*
 * Makes room for `limit` calls in a batch whose link, timer, lane, events and metrics are set. False: no
 * memory.
 */
MUST_CHECK bool batch_open(struct batch *batch, size_t limit);
void batch_close(struct batch *batch);

/* The only function that changes the state, with the timers and counters that belong to it. */
void batch_move(struct batch *batch, enum batch_state to);

/* Sends calls on a batch that is free, or open. */
void batch_start(struct batch *batch, struct call *const *calls, size_t count);

/* Sends the Sync that ends the batch. */
void batch_end(struct batch *batch);

/* Finds out whether a commit happened, on a link that is up again. */
void batch_settle(struct batch *batch);

/* Resumes a waiting call, or the owner of a transaction if it waits. */
void call_end(struct call *call, enum call_state state);
void batch_resume_owner(struct batch *batch);

/*
 * The earliest deadline of the calls that wait for the batch (INT64_MAX: none), and whether any call waits.
 */
int64_t batch_deadline(const struct batch *batch);
bool batch_is_awaited(const struct batch *batch);

/* Sets the timer of the batch, in nanoseconds from now. */
void batch_set_timer(struct batch *batch, int64_t wait);

/* Closes the connection, which counts as lost then. */
void batch_break(struct batch *batch);

/* outcome.c: results may have arrived. */
void batch_arrived(struct link *link);

/*
 * reconnect.c: ends the session on purpose, which undoes what was open, and makes another at once, or, if it
 * is opened on demand, when it is needed; the batch has no calls. Keeps a connection from now on; its timer
 * is due; the connection is up; it was lost.
 */
void batch_renew(struct batch *batch);
void batch_want(struct batch *batch);
void batch_due(struct timer *timer);
void batch_link_up(struct link *link);
void batch_link_lost(struct link *link);

#endif
