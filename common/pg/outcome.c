/* What a batch receives: results, the end of its transaction, a failure. */
#include "common/pg/batch.h"

#include <string.h>

#include "common/pg/metrics.h"
#include "common/pg/remedy.h"
#include "common/pg/session.h"
#include "common/pg/settings.h"

/* Treats the connection as a failure requires; the result is what to do with the calls. */
static enum remedy heed(struct batch *batch, bool alone)
{
    enum remedy remedy = remedy_for(batch->link.sqlstate, alone);

    if (remedy == REMEDY_PREPARE && *batch->link.plans == batch->link.own_plans)
        ++*batch->link.plans;
    if (remedy == REMEDY_LOOK)
        session_schema_doubt();
    if (remedy == REMEDY_LOOK || remedy == REMEDY_RECONNECT) {
        link_close(&batch->link);
        batch_set_timer(batch, 0);
    }
    return remedy;
}

static void after_failure(struct batch *batch)
{
    enum statement_kind kind = batch->link.kind;
    struct call **calls = batch->calls;
    size_t count = batch->count;
    /* What fails in the lane of inserts gets a second chance in that of changes, even if it ran alone. */
    bool alone = kind == STATEMENT_CHANGE || (count == 1 && kind != STATEMENT_APPEND);

    batch_move(batch, BATCH_FREE);
    enum remedy remedy = heed(batch, alone);
    if (remedy == REMEDY_NONE || remedy == REMEDY_CONFLICT) {
        for (size_t i = 0; i < count; i++)
            if (calls[i])
                call_end(calls[i], remedy == REMEDY_CONFLICT ? CALL_CONFLICT : CALL_UNAVAILABLE);
        return;
    }
    batch->events->again(batch, calls, count, remedy == REMEDY_ALONE);
}

static void owned_synced(struct batch *batch)
{
    struct call *call = batch->count ? batch->calls[0] : NULL;

    batch->committed = !batch->failed;
    batch->over = true;
    batch_move(batch, BATCH_OPEN);
    if (batch->failed) {
        enum remedy remedy = heed(batch, true);
        if (call)
            call->state = remedy == REMEDY_CONFLICT ? CALL_CONFLICT
                          : remedy == REMEDY_NONE   ? CALL_UNAVAILABLE
                                                    : CALL_AGAIN;
    }
    batch_resume_owner(batch);
}

static void synced(struct batch *batch)
{
    struct call *done[PG_BATCH_MAX];
    size_t count = batch->count;

    if (batch->owned) {
        owned_synced(batch);
        return;
    }
    if (batch->failed) {
        after_failure(batch);
        return;
    }
    memcpy(done, batch->calls, count * sizeof(struct call *));
    batch->committed = true;
    batch_move(batch, BATCH_FREE);
    if (batch->link.stands_in && batch->link.loop->now >= batch->stands_in_until) {
        link_close(&batch->link);
        batch->link.turn = 0;
        batch_set_timer(batch, 0);
    }
    /* The server works on the next batch while the answers of this one are sent. */
    if (batch->link.state == LINK_UP && batch->state == BATCH_FREE)
        batch->events->freed(batch);
    for (size_t i = 0; i < count; i++)
        if (done[i])
            call_end(done[i], done[i]->state == CALL_WAITING ? CALL_DONE : done[i]->state);
}

/* The stamp shows whether the commit in doubt happened: continue accordingly. */
static void settled(struct batch *batch)
{
    bool was_committed = batch->stamp_call.count == 0;
    size_t live = 0;

    metric_count(&batch->metrics->settled[was_committed ? SETTLED_COMMITTED : SETTLED_ABSENT]);
    if (was_committed || batch->owned) {
        batch->failed = !was_committed; /* the statements are the owner's: none of them was committed */
        batch_end(batch);
        return;
    }
    struct call **again = arena_alloc(&batch->link.scratch, (batch->count + 1) * sizeof(*again));
    for (size_t i = 0; again && i < batch->count; i++)
        if (batch->calls[i])
            again[live++] = batch->calls[i];
    if (again)
        batch_start(batch, again, live);
    else
        batch_break(batch);
}

/* All results of a transaction that writes have arrived. */
static void all_arrived(struct batch *batch)
{
    if (batch->state == BATCH_SETTLE) {
        settled(batch);
    } else if (!batch->owned) {
        batch_end(batch);
    } else if (batch->calls[0]->state != CALL_WAITING) {
        batch_break(batch); /* its rows could not be stored: a call that fails ends its transaction */
    } else {
        batch->calls[0]->state = CALL_DONE;
        batch_move(batch, BATCH_OPEN);
        batch_resume_owner(batch);
    }
}

/* False: the batch has changed, or the link is lost. */
static bool statement_failed(struct batch *batch, bool busy)
{
    metric_count(&batch->metrics->failures[pg_sqlstate_place(batch->link.sqlstate)]);
    /* A stamp may fail, for example because of an older transaction's lock: nothing is known yet. */
    if (!busy || batch->state == BATCH_SETTLE) {
        batch_break(batch);
        return false;
    }
    batch->failed = true;
    batch->at++;
    if (batch->state == BATCH_RUN)
        batch_end(batch);
    return batch->link.state == LINK_UP;
}

void batch_arrived(struct link *link)
{
    struct batch *batch = container_of(link, struct batch, link);

    for (;;) {
        struct execution *execution =
            batch->at < batch->execution_count ? &batch->executions[batch->at] : NULL;
        bool running = batch->state == BATCH_RUN || batch->state == BATCH_SETTLE;
        bool busy = running || batch->state == BATCH_END || batch->state == BATCH_COMMIT;
        if (running && !execution) {
            all_arrived(batch);
            return;
        }
        switch (link_next(link, busy ? execution : NULL)) {
        case LINK_WAIT:
            return;
        case LINK_LOST:
            batch_break(batch);
            return;
        case LINK_FAILED:
            if (!statement_failed(batch, busy))
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
