#include "common/pg/transaction.h"

#include "common/base/fiber.h"
#include "common/pg/lane.h"

struct batch *transaction_begin(struct pg *pg, enum statement_kind lane, int64_t deadline)
{
    struct call call = {.deadline = deadline, .fiber = fiber_current()};

    if (!lane_enqueue(pg->lanes[lane], &call))
        return NULL;
    fiber_wait();
    return call.state == CALL_DONE ? call.given : NULL;
}

void transaction_run(struct batch *batch, struct call *call)
{
    struct call *const calls[] = {call};

    call->state = CALL_WAITING;
    if (batch->over) {
        call->state = CALL_UNAVAILABLE;
        return;
    }
    batch->owner = call->fiber = fiber_current();
    batch_start(batch, calls, 1);
    if (batch->owner)
        fiber_wait();
}

static void give_back(struct batch *batch)
{
    batch->owned = false;
    batch_move(batch, BATCH_FREE);
}

bool transaction_commit(struct batch *batch)
{
    bool nothing = !batch->stamped && !batch->over;

    if (!nothing && !batch->over) {
        batch->owner = fiber_current();
        batch_end(batch);
        if (batch->owner)
            fiber_wait();
    }
    bool committed = nothing || batch->committed;
    give_back(batch);
    return committed;
}

void transaction_rollback(struct batch *batch)
{
    bool begun = batch->stamped || batch->link.kind == STATEMENT_EXPORT;
    bool open = begun && !batch->over && batch->link.state == LINK_UP;

    batch->owner = NULL;
    give_back(batch);
    /* Any Sync commits a pipeline's transaction: only ending the session undoes it. */
    if (open)
        batch_renew(batch);
}
