#include "common/pg/lane.h"
#include "common/pg/metrics.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/base/declare.h"
#include "common/base/fiber.h"
#include "common/base/log.h"
#include "common/base/uuid.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"

#define BATCH_MAX     1024               /* what BATCH_LIMIT may be at the most */
#define TRIES_MAX     4                  /* runs of one call, aborted and lost batches included */
#define READ_PATIENCE SECOND             /* a batch of reads without an answer is run again elsewhere */
#define CONNECT_WAIT  (2 * SECOND)       /* for one attempt to connect */
#define SCHEMA_WAIT   (600 * SECOND)     /* for the schema to be made: old rows may have to be counted */
#define BACKOFF_FIRST (50 * MILLISECOND) /* between attempts, doubled up to the last, jitter added */
#define BACKOFF_LAST  (400 * MILLISECOND)
#define AWAY_PATIENCE                                                                                        \
    SECOND /* calls wait this long for a database that is away, then are refused at once                     \
            */
#define STAND_IN_PERIOD (10 * SECOND) /* of a primary for a replica, before that is tried again */
#define BATCH_SHARE_MIN 16            /* calls that a batch may take however little else there is to do */
#define BATCH_LOCK_WAIT 250 /* milliseconds that a batch may wait for a lock before its calls run alone */

enum phase {
    PHASE_FREE,   /* nothing on its way */
    PHASE_RUN,    /* sent without a Sync: nothing can be committed yet */
    PHASE_END,    /* a Sync is on its way */
    PHASE_OPEN,   /* a transaction whose owner does something else */
    PHASE_SETTLE, /* the Sync's answer was lost; waits for the link to come up */
};

struct claim {
    struct text slot;
    int64_t number;
};

struct batch {
    struct link link; /* what the callbacks get */
    struct lane *lane;
    struct timer timer; /* the next thing to happen: connect again, or the end of patience */
    enum phase phase;
    bool wanted;   /* keeps a connection */
    bool settling; /* the claim alone is on its way */
    bool failed;   /* a statement failed: the transaction is rolled back */
    bool doubtful; /* a Sync was sent to commit: only its answer, or settling, tells whether it did */
    bool claimed;  /* the claim was sent in this transaction */
    struct call **calls;
    size_t count;
    struct execution *executions;
    size_t execution_count, at;
    bool owned;          /* taken by lane_take */
    struct fiber *owner; /* waits in lane_run or lane_commit */
    int64_t owner_deadline;
    bool broken, committed; /* how the owned transaction went */
    int64_t stands_in_until;
    char slot[UUID_TEXT];
    struct claim claim;
    int64_t claimed_number; /* the row of the claim */
    struct call claim_call;
    struct call *claim_calls[1];
};

struct lane {
    struct worker *worker;
    enum statement_kind kind;
    struct call *head, **tail;
    size_t length;
    size_t batch_limit;
    struct timer timer; /* the earliest deadline of the queue, or earlier */
    int64_t away_since; /* 0: a link is up */
    int64_t backoff;
    size_t count;
    struct batch batches[];
};

static const struct column claim_params[] = {{COLUMN_TEXT, offsetof(struct claim, slot)},
                                             {COLUMN_INT, offsetof(struct claim, number)}};
static const struct column claim_row[] = {{COLUMN_INT, 0}};

/* Answers a row when this batch was not there before; waits for an older transaction of the slot to end. */
static const struct statement claim_batch = {
    .name = "claim_batch",
    .sql = "INSERT INTO write_slots (slot, batch) VALUES ($1::uuid, $2)"
           " ON CONFLICT (slot) DO UPDATE SET batch = excluded.batch, at = now()"
           " WHERE write_slots.batch <> excluded.batch RETURNING batch",
    .params = claim_params,
    .param_count = 2,
    .row = claim_row,
    .column_count = 1,
    .row_size = sizeof(int64_t),
};

static struct loop *loop_of(const struct lane *lane)
{
    return &lane->worker->loop;
}

static struct pg_metrics *metrics_of(const struct lane *lane)
{
    return lane->worker->pg_metrics;
}

static bool writes(const struct lane *lane)
{
    return lane->kind == STATEMENT_APPEND || lane->kind == STATEMENT_CHANGE;
}

static void set_timer(struct batch *batch, int64_t wait)
{
    struct loop *loop = loop_of(batch->lane);

    /* Without memory for the timer there is none; the deadlines of the queue still hold. */
    if (!timer_set(loop, &batch->timer, loop->now + wait))
        log_line(LOG_ERROR, "no memory for a timer", NULL);
}

static void answer(struct call *call, enum call_state state)
{
    call->state = state;
    fiber_resume(call->fiber);
}

/* The queue */

static void push_front(struct lane *lane, struct call *call)
{
    call->next = lane->head;
    if (!lane->head)
        lane->tail = &call->next;
    lane->head = call;
    lane->length++;
}

static struct call *pop(struct lane *lane)
{
    struct call *call = lane->head;

    lane->head = call->next;
    if (!lane->head)
        lane->tail = &lane->head;
    lane->length--;
    call->next = NULL;
    return call;
}

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

size_t lane_length(const struct lane *lane)
{
    return lane->length;
}

bool lane_enqueue(struct lane *lane, struct call *call)
{
    struct loop *loop = loop_of(lane);

    if (lane->length >= (size_t)lane->worker->settings->pg.queue_limit)
        return false;
    if (lane->away_since && loop->now - lane->away_since > AWAY_PATIENCE)
        return false;
    if ((!lane->timer.place || call->deadline < lane->timer.at) &&
        !timer_set(loop, &lane->timer, call->deadline))
        return false;
    call->next = NULL;
    *lane->tail = call;
    lane->tail = &call->next;
    lane->length++;
    return true;
}

/* Answers those at the head that have waited too long: the oldest, where all may wait equally long. */
static void expire_head(struct lane *lane)
{
    while (lane->head && lane->head->deadline <= loop_of(lane)->now)
        answer(pop(lane), CALL_UNAVAILABLE);
}

/* Answers all that have waited too long, and sets the timer for the next of them. */
static void expire_queue(struct lane *lane)
{
    struct call *late = NULL, **late_tail = &late;
    struct call **link = &lane->head;
    int64_t earliest = INT64_MAX;

    while (*link) {
        struct call *call = *link;
        if (call->deadline > loop_of(lane)->now) {
            earliest = call->deadline < earliest ? call->deadline : earliest;
            link = &call->next;
            continue;
        }
        *link = call->next;
        lane->length--;
        call->next = NULL;
        *late_tail = call;
        late_tail = &call->next;
    }
    lane->tail = link;
    /* Without memory for the timer, whatever turns the loop next still expires the head. */
    if (lane->head)
        timer_set(loop_of(lane), &lane->timer, earliest);
    while (late) { /* last: who is answered may queue the next call */
        struct call *call = late;
        late = call->next;
        answer(call, CALL_UNAVAILABLE);
    }
}

static void queue_deadline(struct timer *timer)
{
    struct lane *lane = container_of(timer, struct lane, timer);

    expire_queue(lane);
}

/* Sending */

static void batch_lost(struct batch *batch);

static void break_link(struct batch *batch)
{
    link_close(&batch->link);
    batch_lost(batch);
}

static int64_t earliest_deadline(const struct batch *batch)
{
    int64_t earliest = batch->owner ? batch->owner_deadline : INT64_MAX;

    for (size_t i = 0; i < batch->count; i++)
        if (batch->calls[i] && batch->calls[i]->deadline < earliest)
            earliest = batch->calls[i]->deadline;
    return earliest;
}

/* Whether anybody still waits for what is on its way. */
static bool awaited(const struct batch *batch)
{
    int64_t earliest = earliest_deadline(batch);

    return earliest != INT64_MAX && (!batch->owner || batch->owner_deadline > loop_of(batch->lane)->now);
}

static void set_patience(struct batch *batch)
{
    int64_t now = loop_of(batch->lane)->now;
    int64_t wait = earliest_deadline(batch) - now;

    if (batch->lane->kind == STATEMENT_READ && wait > READ_PATIENCE)
        wait = READ_PATIENCE;
    set_timer(batch, wait > 0 ? wait : 0);
}

/* Groups the calls of each set statement, and makes the claim the first execution of a transaction that
 * writes. */
static void arrange(struct batch *batch, struct call *const *taken)
{
    size_t placed = 0;

    batch->execution_count = batch->at = 0;
    if (writes(batch->lane) && !batch->claimed) {
        batch->claim.slot = text_of(batch->slot);
        batch->claim.number++;
        batch->claim_call =
            (struct call){.statement = &claim_batch, .params = &batch->claim, .first_only = true};
        batch->claim_call.rows = (char *)&batch->claimed_number;
        batch->claim_call.room = 1;
        batch->executions[batch->execution_count++] =
            (struct execution){&claim_batch, batch->claim_calls, 1, 0, 0};
        batch->claimed = true;
    }
    for (size_t i = 0; i < batch->count; i++) {
        const struct statement *st = taken[i]->statement;
        if (!st->set) {
            batch->calls[placed] = taken[i];
            batch->executions[batch->execution_count++] =
                (struct execution){st, &batch->calls[placed++], 1, 0, 0};
            continue;
        }
        bool placed_before = false;
        for (size_t k = 0; k < batch->execution_count && !placed_before; k++)
            placed_before = batch->executions[k].statement == st;
        if (placed_before)
            continue;
        struct execution *execution = &batch->executions[batch->execution_count++];
        *execution = (struct execution){st, &batch->calls[placed], 0, 0, 0};
        for (size_t k = i; k < batch->count; k++)
            if (taken[k]->statement == st)
                execution->calls[execution->count++] = taken[k];
        placed += execution->count;
    }
}

static void send_executions(struct batch *batch)
{
    bool sent = true;

    for (size_t i = batch->at; i < batch->execution_count && sent; i++)
        sent = link_send(&batch->link, &batch->executions[i]);
    batch->phase = writes(batch->lane) ? PHASE_RUN : PHASE_END;
    sent = sent && (batch->phase == PHASE_RUN ? link_send_flush(&batch->link) : link_send_sync(&batch->link));
    if (!sent || !link_write(&batch->link))
        break_link(batch);
}

static void send_end(struct batch *batch)
{
    batch->phase = PHASE_END;
    batch->doubtful = !batch->failed;
    if (!link_send_sync(&batch->link) || !link_write(&batch->link))
        break_link(batch);
}

static void start(struct batch *batch, struct call *const *taken, size_t count)
{
    batch->count = count;
    batch->failed = false;
    for (size_t i = 0; i < count; i++) {
        taken[i]->count = 0;
        taken[i]->state = CALL_WAITING;
    }
    arrange(batch, taken);
    histogram_observe(&metrics_of(batch->lane)->batches[batch->lane->kind], &pg_batch_bounds, count);
    set_patience(batch);
    send_executions(batch);
}

/* After a lost Sync: claims the same number once more, alone. */
static void settle(struct batch *batch)
{
    batch->settling = true;
    batch->failed = false;
    batch->claim_call.count = 0;
    batch->executions[0] = (struct execution){&claim_batch, batch->claim_calls, 1, 0, 0};
    batch->execution_count = 1;
    batch->at = 0;
    set_patience(batch);
    send_executions(batch);
}

/* Receiving */

static void release(struct batch *batch)
{
    batch->phase = PHASE_FREE;
    batch->claimed = batch->settling = false;
    batch->count = 0;
    arena_reset(&batch->link.scratch);
    timer_cancel(loop_of(batch->lane), &batch->timer);
}

static void resume_owner(struct batch *batch)
{
    struct fiber *owner = batch->owner;

    batch->owner = NULL;
    /* What fails while the owner itself sends it finds the owner running: it looks before it waits. */
    if (owner && owner != fiber_current())
        fiber_resume(owner);
}

/* Queues calls again, in their order, before those that came after them. */
static void run_again(struct lane *lane, struct call **calls, size_t count, bool alone)
{
    for (size_t i = count; i-- > 0;) {
        struct call *call = calls[i];
        if (!call)
            continue;
        call->alone = call->alone || alone;
        call->count = 0;
        if (++call->tries >= TRIES_MAX)
            answer(call, CALL_UNAVAILABLE);
        else
            push_front(lane, call);
    }
    expire_queue(lane);
}

enum remedy { REMEDY_NONE, REMEDY_CONFLICT, REMEDY_ALONE, REMEDY_AGAIN, REMEDY_RECONNECT };

/* What to do after a failure, by the classes of the PostgreSQL manual's appendix A. */
static enum remedy remedy_for(const char *sqlstate, bool alone)
{
    static const struct {
        const char *prefix;
        enum remedy together, alone;
    } remedies[] = {
        {"57014", REMEDY_ALONE, REMEDY_NONE},          /* statement_timeout */
        {"42P01", REMEDY_RECONNECT, REMEDY_RECONNECT}, /* a table is missing: look at the schema again */
        {"26", REMEDY_RECONNECT, REMEDY_RECONNECT},    /* the prepared statement is gone */
        {"25", REMEDY_RECONNECT, REMEDY_RECONNECT},    /* read-only: this host is no primary any more */
        {"53", REMEDY_NONE, REMEDY_NONE},              /* disk full, out of memory */
        {"57", REMEDY_RECONNECT, REMEDY_RECONNECT},    /* shutting down */
        {"58", REMEDY_NONE, REMEDY_NONE},              /* I/O error */
        {"40", REMEDY_ALONE, REMEDY_AGAIN},            /* deadlock, serialization */
        {"23", REMEDY_ALONE, REMEDY_CONFLICT},         /* a constraint */
        {"", REMEDY_ALONE, REMEDY_NONE},
    };

    for (size_t i = 0;; i++)
        if (strncmp(sqlstate, remedies[i].prefix, strlen(remedies[i].prefix)) == 0)
            return alone ? remedies[i].alone : remedies[i].together;
}

static void after_failure(struct batch *batch)
{
    struct lane *lane = batch->lane;
    struct call **calls = batch->calls;
    size_t count = batch->count;
    /* What fails in the lane of batches has a second chance in that of changes, whatever its company was. */
    bool alone = lane->kind == STATEMENT_CHANGE || (count == 1 && lane->kind != STATEMENT_APPEND);
    enum remedy remedy = remedy_for(batch->link.sqlstate, alone);

    if (strcmp(batch->link.sqlstate, "42P01") == 0)
        link_schema_doubt();
    release(batch);
    if (remedy == REMEDY_RECONNECT) {
        link_close(&batch->link);
        set_timer(batch, 0);
    }
    if (remedy == REMEDY_NONE || remedy == REMEDY_CONFLICT) {
        for (size_t i = 0; i < count; i++)
            if (calls[i])
                answer(calls[i], remedy == REMEDY_CONFLICT ? CALL_CONFLICT : CALL_UNAVAILABLE);
        return;
    }
    /* A batch's inserts run one by one where waiting for a lock keeps nobody else from going on. */
    struct lane *other =
        pg_lane(lane->worker, lane->kind == STATEMENT_APPEND ? STATEMENT_CHANGE : lane->kind);
    run_again(remedy == REMEDY_ALONE ? other : lane, calls, count, remedy == REMEDY_ALONE);
}

static void owned_synced(struct batch *batch)
{
    struct call *call = batch->count ? batch->calls[0] : NULL;

    batch->committed = !batch->failed;
    if (batch->committed)
        metric_count(&metrics_of(batch->lane)->commits[batch->lane->kind]);
    batch->broken = true; /* over, either way */
    if (call && batch->failed)
        call->state =
            remedy_for(batch->link.sqlstate, true) == REMEDY_CONFLICT ? CALL_CONFLICT : CALL_UNAVAILABLE;
    release(batch);
    batch->phase = PHASE_OPEN;
    resume_owner(batch);
}

static void hand_out(struct batch *batch);

static void synced(struct batch *batch)
{
    struct call *done[BATCH_MAX];

    if (batch->settling) {
        break_link(batch); /* the claim failed, on an older transaction's lock say: nothing is known yet */
        return;
    }
    if (batch->owned) {
        owned_synced(batch);
        return;
    }
    if (batch->failed) {
        after_failure(batch);
        return;
    }
    size_t count = batch->count;
    memcpy(done, batch->calls, count * sizeof(struct call *));
    metric_count(&metrics_of(batch->lane)->commits[batch->lane->kind]);
    release(batch);
    if (batch->link.stands_in && loop_of(batch->lane)->now >= batch->stands_in_until) {
        link_close(&batch->link);
        batch->link.turn = 0;
        set_timer(batch, 0);
    }
    /* The server works on the next batch while the answers of this one go out. */
    if (batch->lane->head && batch->link.state == LINK_UP && batch->phase == PHASE_FREE)
        hand_out(batch);
    for (size_t i = 0; i < count; i++)
        if (done[i])
            answer(done[i], done[i]->state == CALL_WAITING ? CALL_DONE : done[i]->state);
}

/* All results of a transaction that writes are in: commit, or go on with what settling found out. */
static void all_arrived(struct batch *batch)
{
    if (batch->settling) {
        batch->settling = false;
        bool was_committed = batch->claim_call.count == 0;
        metric_count(&metrics_of(batch->lane)->settled[was_committed ? SETTLED_COMMITTED : SETTLED_ABSENT]);
        if (!was_committed && batch->owned) {
            batch->failed = true; /* its statements are the owner's: nothing of them is there */
        } else if (!was_committed) {
            size_t live = 0;
            struct call **again = arena_alloc(&batch->link.scratch, (batch->count + 1) * sizeof(*again));
            for (size_t i = 0; again && i < batch->count; i++)
                if (batch->calls[i])
                    again[live++] = batch->calls[i];
            if (!again) {
                break_link(batch);
                return;
            }
            start(batch, again, live);
            return;
        }
        send_end(batch);
        return;
    }
    if (!batch->owned) {
        send_end(batch);
        return;
    }
    if (batch->calls[0]->state != CALL_WAITING) {
        break_link(batch); /* its rows could not be kept: a call that fails ends its transaction */
        return;
    }
    batch->phase = PHASE_OPEN;
    batch->calls[0]->state = CALL_DONE;
    batch->count = 0;
    resume_owner(batch);
}

static void arrived(struct link *link)
{
    struct batch *batch = container_of(link, struct batch, link);

    for (;;) {
        struct execution *execution =
            batch->at < batch->execution_count ? &batch->executions[batch->at] : NULL;
        if (batch->phase == PHASE_RUN && !execution) {
            all_arrived(batch);
            return;
        }
        bool busy = batch->phase == PHASE_RUN || batch->phase == PHASE_END;
        switch (link_next(link, busy ? execution : NULL)) {
        case LINK_WAIT:
            return;
        case LINK_LOST:
            break_link(batch);
            return;
        case LINK_FAILED:
            metric_count(&metrics_of(batch->lane)->failures[pg_sqlstate_place(link->sqlstate)]);
            if (!busy) {
                break_link(batch);
                return;
            }
            batch->failed = true;
            batch->at++;
            if (batch->phase == PHASE_RUN)
                send_end(batch);
            if (link->state != LINK_UP)
                return;
            break;
        case LINK_ROWS:
        case LINK_SKIPPED:
            batch->at++;
            break;
        case LINK_SYNCED:
            synced(batch);
            return;
        }
    }
}

/* Links that come and go */

/* Where one lane finds the database again, the others need not sit out their waits, nor refuse what they get.
 */
static void rouse_lanes(const struct worker *worker)
{
    for (size_t kind = 0; kind < STATEMENT_KINDS; kind++) {
        struct lane *lane = pg_lane(worker, (enum statement_kind)kind);
        if (!lane->away_since)
            continue;
        lane->away_since = worker->loop.now;
        for (size_t i = 0; i < lane->count; i++)
            if (lane->batches[i].wanted && lane->batches[i].link.state == LINK_DOWN)
                set_timer(&lane->batches[i], 0);
    }
}

static void link_up(struct link *link)
{
    struct batch *batch = container_of(link, struct batch, link);

    metric_count(&metrics_of(batch->lane)->connections_opened[batch->lane->kind]);
    if (batch->lane->away_since) {
        batch->lane->away_since = 0;
        rouse_lanes(batch->lane->worker);
    }
    batch->lane->backoff = 0;
    batch->stands_in_until = loop_of(batch->lane)->now + STAND_IN_PERIOD;
    timer_cancel(loop_of(batch->lane), &batch->timer);
    if (batch->phase == PHASE_SETTLE)
        settle(batch);
}

static void link_lost(struct link *link)
{
    batch_lost(container_of(link, struct batch, link));
}

/* For the link's next step; who waits for it to settle a write is answered by his deadline. */
static void set_link_timer(struct batch *batch, int64_t wait)
{
    int64_t left = earliest_deadline(batch) - loop_of(batch->lane)->now;

    if (batch->phase == PHASE_SETTLE && left < wait)
        wait = left > 0 ? left : 0;
    set_timer(batch, wait);
}

static void connect_later(struct batch *batch)
{
    struct lane *lane = batch->lane;

    metric_count(&metrics_of(lane)->connections_failed[lane->kind]);
    if (!lane->away_since && !lane_ready(lane))
        lane->away_since = loop_of(lane)->now;
    lane->backoff = lane->backoff ? lane->backoff * 2 : BACKOFF_FIRST;
    if (lane->backoff > BACKOFF_LAST)
        lane->backoff = BACKOFF_LAST;
    set_link_timer(batch, lane->backoff / 2 + random() % lane->backoff);
}

static void batch_lost(struct batch *batch)
{
    struct call **calls = batch->calls;
    size_t count = batch->count;
    bool unknown = writes(batch->lane) && (batch->phase == PHASE_SETTLE || batch->settling ||
                                           (batch->phase == PHASE_END && batch->doubtful));
    bool owned = batch->owned;
    enum phase phase = batch->phase;

    if (unknown && awaited(batch)) {
        batch->phase = PHASE_SETTLE;
        batch->settling = false;
        connect_later(batch);
        return;
    }
    connect_later(batch);
    batch->phase = owned ? PHASE_OPEN : PHASE_FREE;
    batch->claimed = batch->settling = false;
    batch->count = 0;
    batch->at = batch->execution_count = 0;
    if (owned) {
        if (phase != PHASE_OPEN && count && calls[0])
            calls[0]->state = CALL_UNAVAILABLE;
        batch->broken = true;
        resume_owner(batch);
        return;
    }
    run_again(batch->lane, calls, count, false);
}

static void give_up_late_calls(struct batch *batch)
{
    int64_t now = loop_of(batch->lane)->now;

    for (size_t i = 0; i < batch->count; i++) {
        struct call *call = batch->calls[i];
        if (!call || call->deadline > now)
            continue;
        batch->calls[i] = NULL;
        if (batch->owned) {
            call->state = CALL_UNAVAILABLE;
            continue; /* its fiber is the owner: batch_lost takes it up */
        }
        answer(call, CALL_UNAVAILABLE);
    }
}

static void batch_due(struct timer *timer)
{
    struct batch *batch = container_of(timer, struct batch, timer);

    give_up_late_calls(batch);
    if (batch->phase == PHASE_SETTLE && !awaited(batch)) {
        batch->doubtful = false; /* what the outcome was is of no use any more */
        batch->phase = PHASE_END;
        if (batch->link.state == LINK_DOWN)
            batch_lost(batch);
        else
            break_link(batch);
        return;
    }
    switch (batch->link.state) {
    case LINK_DOWN:
        if (!batch->wanted)
            return;
        set_link_timer(batch, CONNECT_WAIT);
        if (!link_connect(&batch->link))
            connect_later(batch);
        return;
    case LINK_CONNECTING:
        link_complain(&batch->link, "no answer in time");
        break_link(batch);
        return;
    case LINK_SETUP:
        if (link_schema_ready())
            break_link(batch);
        else
            set_link_timer(batch, SCHEMA_WAIT);
        return;
    case LINK_UP:
        if (batch->phase != PHASE_RUN && batch->phase != PHASE_END)
            return;
        if (batch->lane->kind == STATEMENT_READ || batch->owned || !awaited(batch))
            break_link(batch);
        else
            set_patience(batch);
        return;
    }
}

static void want(struct batch *batch)
{
    batch->wanted = true;
    set_timer(batch, 0);
}

/* Handing out */

/* No more than half of what the worker is at, so that two batches take turns: while the database works on
 * one, the requests of the other are answered and read. Were all in one, each side would wait for the other.
 */
static size_t batch_share(const struct lane *lane)
{
    size_t half = lane->worker->fibers.running / 2;
    size_t share = half > BATCH_SHARE_MIN ? half : BATCH_SHARE_MIN;

    return lane->kind == STATEMENT_APPEND && share < lane->batch_limit ? share : lane->batch_limit;
}

static void hand_out(struct batch *batch)
{
    struct lane *lane = batch->lane;
    size_t share = batch_share(lane);
    struct call *taken[BATCH_MAX];
    size_t count = 0;

    if (!lane->head->statement) {
        struct call *call = pop(lane);
        batch->owned = true;
        batch->broken = batch->committed = false;
        batch->phase = PHASE_OPEN;
        batch->count = batch->execution_count = batch->at = 0;
        batch->owner_deadline = call->deadline;
        call->rows = (char *)batch;
        answer(call, CALL_DONE);
        return;
    }
    bool alone = lane->head->alone;
    while (lane->head && lane->head->statement && count < share && (count == 0 || !alone)) {
        if (count && lane->head->alone)
            break;
        taken[count++] = pop(lane);
    }
    start(batch, taken, count);
}

void lane_flush(struct lane *lane)
{
    expire_head(lane);
    for (size_t i = 0; i < lane->count && lane->head; i++) {
        struct batch *batch = &lane->batches[i];
        if (batch->link.state == LINK_UP && batch->phase == PHASE_FREE)
            hand_out(batch);
        else if (!batch->wanted)
            want(batch);
    }
}

void lane_poll(struct lane *lane)
{
    for (size_t i = 0; i < lane->count; i++) {
        struct batch *batch = &lane->batches[i];
        if (batch->link.state == LINK_UP && (batch->phase == PHASE_RUN || batch->phase == PHASE_END))
            batch->link.watch.ready(&batch->link.watch, EPOLLIN);
    }
}

/* A link to oneself */

struct batch *lane_take(struct lane *lane, int64_t deadline)
{
    struct call call = {.deadline = deadline, .fiber = fiber_current()};

    if (!lane_enqueue(lane, &call))
        return NULL;
    fiber_wait();
    return call.state == CALL_DONE ? (struct batch *)call.rows : NULL;
}

void lane_run(struct batch *batch, struct call *call)
{
    call->state = CALL_WAITING;
    if (batch->broken) {
        call->state = CALL_UNAVAILABLE;
        return;
    }
    batch->owner = call->fiber = fiber_current();
    struct call *taken[1] = {call};
    start(batch, taken, 1);
    if (batch->owner)
        fiber_wait();
}

static void give_back(struct batch *batch)
{
    batch->owned = false;
    if (batch->link.state == LINK_UP && batch->phase == PHASE_OPEN)
        release(batch);
    else if (batch->phase == PHASE_OPEN)
        batch->phase = PHASE_FREE;
}

bool lane_commit(struct batch *batch)
{
    bool nothing = !batch->claimed && !batch->broken;

    if (!nothing && !batch->broken) {
        batch->owner = fiber_current();
        set_patience(batch);
        send_end(batch);
        if (batch->owner)
            fiber_wait();
    }
    bool committed = nothing || batch->committed;
    give_back(batch);
    return committed;
}

void lane_drop(struct batch *batch)
{
    bool open = batch->claimed && !batch->broken && batch->link.state == LINK_UP;

    batch->owner = NULL;
    if (open)
        break_link(batch); /* a pipeline's transaction ends well with any Sync; only the end of its session
                              undoes it */
    give_back(batch);
}

/* Opening and closing */

static bool open_batch(struct lane *lane, struct batch *batch)
{
    const struct settings *settings = lane->worker->settings;
    bool report = lane->kind == STATEMENT_REPORT;
    int64_t timeout = report ? settings->pg.report_timeout : settings->pg.request_timeout;
    bool replica = report && settings->pg.read_url;

    batch->lane = lane;
    batch->link =
        (struct link){.loop = loop_of(lane),
                      .settings = settings,
                      .api = lane->worker->api,
                      .url = replica ? settings->pg.read_url : settings->pg.url,
                      .replica = replica,
                      .statement_timeout = timeout * 2 / 3,
                      .by_index = lane->kind != STATEMENT_REPORT,
                      .lock_timeout = lane->kind == STATEMENT_APPEND ? BATCH_LOCK_WAIT : timeout * 2 / 3,
                      .up = link_up,
                      .arrived = arrived,
                      .lost = link_lost};
    batch->timer.fire = batch_due;
    batch->claim_calls[0] = &batch->claim_call;
    uuid_print(batch->slot);
    batch->calls = calloc(lane->batch_limit, sizeof(struct call *));
    batch->executions = calloc(lane->batch_limit + 1, sizeof(*batch->executions));
    return batch->calls && batch->executions;
}

struct lane *lane_open(struct worker *worker, enum statement_kind kind, size_t count, size_t batch_limit)
{
    struct lane *lane = calloc(1, sizeof(*lane) + count * sizeof(struct batch));

    if (!lane)
        return NULL;
    *lane = (struct lane){.worker = worker, .kind = kind, .batch_limit = batch_limit, .count = count};
    lane->tail = &lane->head;
    lane->timer.fire = queue_deadline;
    lane->away_since = worker->loop.now;
    bool opened = count > 0;
    for (size_t i = 0; i < count; i++)
        opened = open_batch(lane, &lane->batches[i]) && opened;
    if (!opened) {
        lane_close(lane);
        return NULL;
    }
    want(&lane->batches[0]);
    return lane;
}

void lane_close(struct lane *lane)
{
    if (!lane)
        return;
    for (size_t i = 0; i < lane->count; i++) {
        link_close(&lane->batches[i].link);
        free(lane->batches[i].calls);
        free(lane->batches[i].executions);
    }
    free(lane);
}
