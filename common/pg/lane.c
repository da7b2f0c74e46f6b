#include "common/pg/lane.h"

#include <stdlib.h>

#include "common/base/fiber.h"
#include "common/base/log.h"
#include "common/pg/encode.h"
#include "common/pg/settings.h"

#define TRIES_MAX 4 /* runs of one call, those in aborted and lost batches included */
#define AWAY_PATIENCE                                                                                        \
    SECOND /* how long calls are accepted while the database is away; then they are refused at once */
#define AWAY_LIMIT (1800 * MILLISECOND) /* after this time those that were accepted are refused too */
#define BACKOFF_FIRST                                                                                        \
    (50 * MILLISECOND) /* between attempts to connect; doubled up to the maximum, with jitter */
#define BACKOFF_LAST    (400 * MILLISECOND)
#define INGEST_WAITING  8                   /* the most requests with many items that wait for a connection */
#define BATCH_BYTES     ((size_t)512 << 10) /* parameters of this size fill a batch */
#define BATCH_SHARE_MIN 16                  /* calls that a batch can always have */

size_t lane_links(const struct lane *lane)
{
    size_t up = 0;

    for (size_t i = 0; i < lane->count; i++)
        up += lane->batches[i].link.state == LINK_UP;
    return up;
}

bool lane_ready(const struct lane *lane)
{
    return lane_links(lane) > 0;
}

/* The queue */

static void end_late_call(struct waiting *waiting)
{
    call_end(container_of(waiting, struct call, waiting), CALL_UNAVAILABLE);
}

static struct call *next_call(struct lane *lane)
{
    struct waiting *waiting = waiting_next(&lane->queue);

    return waiting ? container_of(waiting, struct call, waiting) : NULL;
}

static const struct call *first_call(const struct lane *lane)
{
    return lane->queue.first ? container_of(lane->queue.first, struct call, waiting) : NULL;
}

bool lane_enqueue(struct lane *lane, struct call *call)
{
    if (lane->away_since && lane->pg->loop->now - lane->away_since > AWAY_PATIENCE)
        return false;
    return waiting_join(&lane->queue, &call->waiting, call->deadline);
}

/*
 * Queues calls again in their order, before later ones; a call that has used up its tries ends. The inserts
 * of a batch then run one by one, where waiting for a lock holds up no other call.
 */
static void run_again(struct batch *batch, struct call **calls, size_t count, bool alone)
{
    bool elsewhere = alone && batch->lane->kind == STATEMENT_APPEND;
    struct lane *lane = elsewhere ? batch->lane->pg->lanes[STATEMENT_CHANGE] : batch->lane;

    for (size_t i = count; i-- > 0;) {
        struct call *call = calls[i];
        if (!call)
            continue;
        call->alone = call->alone || alone;
        call->count = 0;
        if (++call->tries >= TRIES_MAX || !waiting_rejoin(&lane->queue, &call->waiting, call->deadline))
            call_end(call, CALL_UNAVAILABLE);
    }
}

/* Links that connect and are lost */

/* A longer wait for a database that is away would most probably be in vain. */
static void away_for_long(struct timer *timer)
{
    struct lane *lane = container_of(timer, struct lane, away);

    for (size_t left = lane->queue.length; left && lane->away_since; left--) {
        struct call *call = next_call(lane);
        if (!call)
            return;
        call_end(call, CALL_UNAVAILABLE);
    }
}

static void set_away(struct lane *lane)
{
    struct loop *loop = lane->pg->loop;

    lane->away_since = loop->now;
    /* Without memory for the timer, waiting calls end at their deadlines. */
    if (!timer_set(loop, &lane->away, loop->now + AWAY_LIMIT))
        log_line(LOG_ERROR, "no memory for a timer", NULL);
}

static int64_t missed(struct batch *batch)
{
    struct lane *lane = batch->lane;

    if (!lane->away_since && !lane_ready(lane))
        set_away(lane);
    lane->backoff = lane->backoff ? lane->backoff * 2 : BACKOFF_FIRST;
    if (lane->backoff > BACKOFF_LAST)
        lane->backoff = BACKOFF_LAST;
    return lane->backoff / 2 + random() % lane->backoff;
}

/* When one lane reaches the database again, the others need not wait any longer, nor refuse calls. */
static void rouse_others(const struct pg *pg)
{
    for (size_t kind = 0; kind < STATEMENT_KINDS; kind++) {
        struct lane *lane = pg->lanes[kind];
        if (!lane || !lane->away_since)
            continue;
        set_away(lane);
        for (size_t i = 0; i < lane->count; i++)
            if (lane->batches[i].wanted && lane->batches[i].link.state == LINK_DOWN)
                batch_set_timer(&lane->batches[i], 0);
    }
}

static void found(struct batch *batch)
{
    struct lane *lane = batch->lane;

    lane->backoff = 0;
    if (!lane->away_since)
        return;
    lane->away_since = 0;
    timer_cancel(lane->pg->loop, &lane->away);
    rouse_others(lane->pg);
}

/* Giving links their batches */

/*
 * At most half of the worker's requests, so that two batches alternate: while the database works on one, the
 * requests of the other are answered and new ones read. If all were in one batch, the worker and the database
 * would wait for each other.
 */
static size_t batch_share(const struct lane *lane)
{
    size_t half = lane->pg->fibers->running / 2;
    size_t share = half > BATCH_SHARE_MIN ? half : BATCH_SHARE_MIN;

    return lane->kind == STATEMENT_APPEND && share < lane->batch_limit ? share : lane->batch_limit;
}

/* Gives a link to one transaction (transaction.h). */
static void give(struct batch *batch, struct call *call)
{
    batch->owned = true;
    batch->over = batch->failed = batch->committed = false;
    batch->owner_deadline = call->deadline;
    batch_move(batch, BATCH_OPEN);
    call->given = batch;
    call_end(call, CALL_DONE);
}

static void hand_out(struct batch *batch)
{
    struct lane *lane = batch->lane;
    size_t share = batch_share(lane);
    struct call *taken[PG_BATCH_MAX];
    size_t count = 0;

    if (!first_call(lane)->statement) {
        give(batch, next_call(lane));
        return;
    }
    bool alone = first_call(lane)->alone;
    size_t bytes = 0;
    do {
        struct call *call = next_call(lane);
        bytes += params_size(call->statement, call->params);
        taken[count++] = call;
    } while (first_call(lane) && first_call(lane)->statement && count < share && bytes < BATCH_BYTES &&
             !alone && !first_call(lane)->alone);
    batch_start(batch, taken, count);
}

static void freed(struct batch *batch)
{
    if (batch->lane->queue.first)
        hand_out(batch);
}

void lane_flush(struct lane *lane)
{
    for (size_t i = 0; i < lane->count && lane->queue.first; i++) {
        struct batch *batch = &lane->batches[i];
        if (batch->link.state == LINK_UP && batch->state == BATCH_FREE)
            hand_out(batch);
        else if (!batch->wanted)
            batch_want(batch);
    }
}

void lane_poll(struct lane *lane)
{
    for (size_t i = 0; i < lane->count; i++) {
        struct batch *batch = &lane->batches[i];
        if (batch->link.state == LINK_UP && batch->state != BATCH_FREE && batch->state != BATCH_OPEN)
            link_poll(&batch->link);
    }
}

/* Opening and closing */

static bool open_batch(struct lane *lane, struct batch *batch)
{
    static const struct batch_events events = {run_again, freed, found, missed};
    struct pg *pg = lane->pg;
    bool reads_much = lane->kind == STATEMENT_REPORT || lane->kind == STATEMENT_EXPORT;
    bool replica = reads_much && pg->settings->read_url;

    batch->lane = lane;
    batch->events = &events;
    batch->metrics = pg->metrics;
    batch->link = (struct link){.loop = pg->loop,
                                .settings = pg->settings,
                                .schema = &pg->schema,
                                .kind = lane->kind,
                                .scratch.always = true,
                                .url = replica ? pg->settings->read_url : pg->settings->url,
                                .resolver = pg->resolver,
                                .replica = replica,
                                .plans = &pg->plans,
                                .up = batch_link_up,
                                .arrived = batch_arrived,
                                .lost = batch_link_lost};
    batch->timer.fire = batch_due;
    batch->on_demand = kind_is_rare(lane->kind);
    return batch_open(batch, lane->batch_limit);
}

struct lane *lane_open(struct pg *pg, enum statement_kind kind, size_t count, size_t batch_limit)
{
    struct lane *lane = calloc(1, sizeof(*lane) + count * sizeof(struct batch));

    if (!lane)
        return NULL;
    *lane = (struct lane){.pg = pg, .kind = kind, .batch_limit = batch_limit, .count = count};
    bool lazy = kind_is_rare(kind);
    size_t most = (size_t)pg->settings->queue_limit;
    waiting_open(&lane->queue, pg->loop, lazy && most > INGEST_WAITING ? INGEST_WAITING : most,
                 end_late_call);
    lane->away.fire = away_for_long;
    if (!lazy)
        set_away(lane);
    bool opened = count > 0;
    for (size_t i = 0; i < count; i++)
        opened = open_batch(lane, &lane->batches[i]) && opened;
    if (!opened) {
        lane_close(lane);
        return NULL;
    }
    if (!lazy)
        batch_want(&lane->batches[0]);
    return lane;
}

void lane_close(struct lane *lane)
{
    if (!lane)
        return;
    timer_cancel(lane->pg->loop, &lane->away);
    for (size_t i = 0; i < lane->count; i++)
        batch_close(&lane->batches[i]);
    free(lane);
}
