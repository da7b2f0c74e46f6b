/* How the link of a batch is connected and lost. */
#include <stdlib.h>

#include "common/pg/batch.h"
#include "common/pg/connect.h"
#include "common/pg/metrics.h"
#include "common/pg/session.h"

#define CONNECT_WAIT    (2 * SECOND)  /* for one attempt to connect, and between two looks at its schema */
#define STAND_IN_PERIOD (10 * SECOND) /* of a primary for a replica, before that is tried again */

static int64_t now_of(const struct batch *batch)
{
    return batch->link.loop->now;
}

/*
 * Sets the timer for the link's next step, or for the deadline of the call that waits for it to settle a
 * write.
 */
static void set_link_timer(struct batch *batch, int64_t wait)
{
    int64_t left = batch_deadline(batch) - now_of(batch);

    if (batch->state == BATCH_DOUBT && left < wait)
        wait = left > 0 ? left : 0;
    batch_set_timer(batch, wait);
}

/* Has no connection until a call needs one. */
static void rest(struct batch *batch)
{
    batch->wanted = batch->was_up = false;
    link_close(&batch->link);
    timer_cancel(batch->link.loop, &batch->timer);
}

static void connect_later(struct batch *batch)
{
    metric_count(&batch->metrics->connections_failed[batch->link.kind]);
    if (batch->on_demand && batch->was_up && batch->state != BATCH_DOUBT)
        rest(batch);
    else
        set_link_timer(batch, batch->events->missed(batch));
    batch->was_up = false;
}

void batch_renew(struct batch *batch)
{
    if (batch->on_demand) {
        rest(batch);
        return;
    }
    link_close(&batch->link);
    batch_set_timer(batch, 0);
}

void batch_want(struct batch *batch)
{
    batch->wanted = true;
    batch_set_timer(batch, 0);
}

void batch_link_lost(struct link *link)
{
    struct batch *batch = container_of(link, struct batch, link);
    struct call **calls = batch->calls;
    size_t count = batch->count;
    enum batch_state from = batch->state;
    bool unknown = from == BATCH_COMMIT || from == BATCH_DOUBT || from == BATCH_SETTLE;

    if (unknown && batch_is_awaited(batch)) {
        if (from != BATCH_DOUBT)
            batch_move(batch, BATCH_DOUBT);
        connect_later(batch);
        return;
    }
    batch_move(batch, batch->owned ? BATCH_OPEN : BATCH_FREE);
    connect_later(batch);
    if (!batch->owned) {
        batch->events->again(batch, calls, count, false);
        return;
    }
    if (from != BATCH_OPEN && count && calls[0])
        calls[0]->state = CALL_UNAVAILABLE;
    batch->over = true;
    batch_resume_owner(batch);
}

void batch_link_up(struct link *link)
{
    struct batch *batch = container_of(link, struct batch, link);

    metric_count(&batch->metrics->connections_opened[link->kind]);
    batch->events->found(batch);
    batch->stands_in_until = now_of(batch) + STAND_IN_PERIOD;
    batch->was_up = true;
    timer_cancel(link->loop, &batch->timer);
    if (batch->state == BATCH_DOUBT)
        batch_settle(batch);
    else if (batch->on_demand)
        batch_set_timer(batch, BATCH_IDLE);
}

static void give_up_late_calls(struct batch *batch)
{
    int64_t now = now_of(batch);

    for (size_t i = 0; i < batch->count; i++) {
        struct call *call = batch->calls[i];
        if (!call || call->deadline > now)
            continue;
        batch->calls[i] = NULL;
        if (batch->owned)
            call->state = CALL_UNAVAILABLE; /* its fiber is the owner: batch_link_lost resumes it */
        else
            call_end(call, CALL_UNAVAILABLE);
    }
}

static void connect_now(struct batch *batch)
{
    set_link_timer(batch, CONNECT_WAIT);
    if (!link_connect(&batch->link))
        connect_later(batch);
}

void batch_due(struct timer *timer)
{
    struct batch *batch = container_of(timer, struct batch, timer);

    give_up_late_calls(batch);
    if (batch->state == BATCH_DOUBT && !batch_is_awaited(batch)) {
        batch_break(batch); /* the result is not needed any more */
        return;
    }
    switch (batch->link.state) {
    case LINK_DOWN:
        if (batch->wanted)
            connect_now(batch);
        return;
    case LINK_CONNECTING:
        connect_complain(&batch->link, "no answer in time");
        batch_break(batch);
        return;
    case LINK_SETUP:
        if (session_schema_ready() || !session_makes_schema(&batch->link))
            batch_break(batch);
        else
            set_link_timer(batch, CONNECT_WAIT); /* a server that is gone: connect.h */
        return;
    case LINK_UP:
        if (batch->state == BATCH_FREE && batch->on_demand)
            rest(batch);
        if (batch->state == BATCH_FREE || batch->state == BATCH_OPEN)
            return;
        if (batch->link.kind == STATEMENT_READ || batch->owned || !batch_is_awaited(batch))
            batch_break(batch);
        else
            batch_set_timer(batch, batch_deadline(batch) - now_of(batch));
        return;
    }
}
