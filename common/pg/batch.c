#include "common/pg/batch.h"

#include <stdlib.h>

#include "common/base/fiber.h"
#include "common/base/log.h"
#include "common/pg/batch.sql.h"
#include "common/pg/metrics.h"

#define READ_PATIENCE SECOND /* then a batch of reads without an answer is run again elsewhere */

STATEMENT(stamp_batch, CHANGE, PARAMS(struct stamp, slot, number), ROW(struct stamp, number));

/* States */

#define TO(state) (1u << (state))

/* Which states may follow each state; a state in which nothing was sent may follow itself. */
static const unsigned moves[] = {
    [BATCH_FREE] = TO(BATCH_FREE) | TO(BATCH_RUN) | TO(BATCH_END) | TO(BATCH_OPEN),
    [BATCH_RUN] = TO(BATCH_END) | TO(BATCH_COMMIT) | TO(BATCH_OPEN) | TO(BATCH_FREE),
    [BATCH_END] = TO(BATCH_FREE) | TO(BATCH_OPEN),
    [BATCH_COMMIT] = TO(BATCH_FREE) | TO(BATCH_OPEN) | TO(BATCH_DOUBT),
    [BATCH_DOUBT] = TO(BATCH_SETTLE) | TO(BATCH_FREE) | TO(BATCH_OPEN),
    [BATCH_SETTLE] =
        TO(BATCH_DOUBT) | TO(BATCH_COMMIT) | TO(BATCH_RUN) | TO(BATCH_END) | TO(BATCH_FREE) | TO(BATCH_OPEN),
    [BATCH_OPEN] = TO(BATCH_OPEN) | TO(BATCH_RUN) | TO(BATCH_COMMIT) | TO(BATCH_FREE),
};

static struct loop *loop_of(const struct batch *batch)
{
    return batch->link.loop;
}

static void set_patience(struct batch *batch)
{
    int64_t wait = batch_deadline(batch) - loop_of(batch)->now;

    if (batch->link.kind == STATEMENT_READ && wait > READ_PATIENCE)
        wait = READ_PATIENCE;
    batch_set_timer(batch, wait > 0 ? wait : 0);
}

static void forget_calls(struct batch *batch)
{
    batch->count = batch->execution_count = batch->at = 0;
    if (batch->link.state != LINK_UP)
        return; /* the link uses the timer */
    if (batch->on_demand && batch->state == BATCH_FREE)
        batch_set_timer(batch, BATCH_IDLE);
    else
        timer_cancel(loop_of(batch), &batch->timer);
    arena_reset(&batch->link.scratch);
}

void batch_move(struct batch *batch, enum batch_state to)
{
    enum batch_state from = batch->state;

    if (!(moves[from] & TO(to))) {
        log_line(LOG_ERROR, "a batch changes to a state that cannot follow", NULL);
        abort();
    }
    batch->state = to;
    switch (to) {
    case BATCH_FREE:
        batch->stamped = false;
        forget_calls(batch);
        break;
    case BATCH_OPEN:
        forget_calls(batch);
        break;
    case BATCH_DOUBT:
        break; /* the link uses the timer */
    default:
        set_patience(batch);
        break;
    }
    if (from == BATCH_COMMIT && batch->committed)
        metric_count(&batch->metrics->commits[batch->link.kind]);
}

/* Whether its statements write: if so, it is stamped, and committed in a separate step. */
static bool writes(const struct batch *batch)
{
    return kind_writes(batch->link.kind);
}

void batch_set_timer(struct batch *batch, int64_t wait)
{
    struct loop *loop = loop_of(batch);

    /* Without memory for the timer, the deadlines of the queue still apply. */
    if (!timer_set(loop, &batch->timer, loop->now + wait))
        log_line(LOG_ERROR, "no memory for a timer", NULL);
}

int64_t batch_deadline(const struct batch *batch)
{
    int64_t earliest = batch->owner ? batch->owner_deadline : INT64_MAX;

    for (size_t i = 0; i < batch->count; i++)
        if (batch->calls[i] && batch->calls[i]->deadline < earliest)
            earliest = batch->calls[i]->deadline;
    return earliest;
}

bool batch_is_awaited(const struct batch *batch)
{
    return batch_deadline(batch) != INT64_MAX &&
           (!batch->owner || batch->owner_deadline > loop_of(batch)->now);
}

void call_end(struct call *call, enum call_state state)
{
    call->state = state;
    fiber_resume(call->fiber);
}

void batch_resume_owner(struct batch *batch)
{
    struct fiber *owner = batch->owner;

    batch->owner = NULL;
    /*
     * If a call fails while its owner is still sending it, the owner is running, and checks before it waits.
     */
    if (owner && owner != fiber_current())
        fiber_resume(owner);
}

void batch_break(struct batch *batch)
{
    link_close(&batch->link);
    batch->link.lost(&batch->link);
}

/* Sending */

static struct execution execution_of_stamp(struct batch *batch)
{
    return (struct execution){&stamp_batch, batch->stamp_calls, 1, false, false};
}

/* Puts the stamp first in a transaction that writes. */
static void stamp(struct batch *batch)
{
    batch->stamp.slot = text_of(batch->slot);
    batch->stamp.number++;
    batch->stamp_call = (struct call){.statement = &stamp_batch, .params = &batch->stamp, .first_only = true};
    batch->stamp_call.rows = (char *)&batch->answered;
    batch->stamp_call.room = 1;
    batch->executions[batch->execution_count++] = execution_of_stamp(batch);
    batch->stamped = true;
}

/* Groups the calls of each set statement. */
static void arrange(struct batch *batch, struct call *const *taken)
{
    size_t placed = 0;

    batch->execution_count = batch->at = 0;
    if (writes(batch) && !batch->stamped)
        stamp(batch);
    for (size_t i = 0; i < batch->count; i++) {
        const struct statement *st = taken[i]->statement;
        bool placed_before = false;
        for (size_t k = 0; st->set && k < batch->execution_count && !placed_before; k++)
            placed_before = batch->executions[k].statement == st;
        if (placed_before)
            continue;
        struct execution *execution = &batch->executions[batch->execution_count++];
        *execution = (struct execution){st, &batch->calls[placed], 0, false, false};
        for (size_t k = i; k < (st->set ? batch->count : i + 1); k++)
            if (taken[k]->statement == st)
                execution->calls[execution->count++] = taken[k];
        placed += execution->count;
    }
}

static void send_executions(struct batch *batch, enum batch_state to)
{
    bool sent = true;

    for (size_t i = batch->at; i < batch->execution_count && sent; i++)
        sent = link_send(&batch->link, &batch->executions[i]);
    batch_move(batch, to);
    sent = sent && (to == BATCH_END ? link_send_sync(&batch->link) : link_send_flush(&batch->link));
    if (!sent || !link_write(&batch->link))
        batch_break(batch);
}

void batch_end(struct batch *batch)
{
    batch_move(batch, batch->failed ? BATCH_END : BATCH_COMMIT);
    if (!link_send_sync(&batch->link) || !link_write(&batch->link))
        batch_break(batch);
}

/*
 * Whether its transaction continues after these statements: with more of them, or with the Sync that commits.
 */
static bool stays_open(const struct batch *batch)
{
    return writes(batch) || batch->link.kind == STATEMENT_EXPORT;
}

void batch_start(struct batch *batch, struct call *const *calls, size_t count)
{
    batch->count = count;
    batch->failed = batch->committed = false;
    for (size_t i = 0; i < count; i++) {
        calls[i]->count = 0;
        calls[i]->cut = false;
        calls[i]->state = CALL_WAITING;
    }
    arrange(batch, calls);
    histogram_observe(&batch->metrics->batches[batch->link.kind], &pg_batch_bounds, count);
    send_executions(batch, stays_open(batch) ? BATCH_RUN : BATCH_END);
}

void batch_settle(struct batch *batch)
{
    batch->failed = false;
    batch->stamp_call.count = 0;
    batch->executions[0] = execution_of_stamp(batch);
    batch->execution_count = 1;
    batch->at = 0;
    send_executions(batch, BATCH_SETTLE);
}

/* Opening and closing */

bool batch_open(struct batch *batch, size_t limit)
{
    batch->stamp_calls[0] = &batch->stamp_call;
    uuid_print(batch->slot);
    batch->calls = calloc(limit, sizeof(struct call *));
    batch->executions = calloc(limit + 1, sizeof(*batch->executions));
    return batch->calls && batch->executions;
}

void batch_close(struct batch *batch)
{
    timer_cancel(loop_of(batch), &batch->timer);
    link_close(&batch->link);
    free(batch->calls);
    free(batch->executions);
}
