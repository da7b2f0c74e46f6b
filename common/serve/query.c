#include "common/serve/query.h"

#include "common/base/fiber.h"
#include "common/http/request.h"
#include "common/pg/lane.h"
#include "common/pg/metrics.h"
#include "common/serve/worker.h"

/* Waits for the call in the request's transaction, or in the lane of its kind. */
static enum query_result run(struct request *rq, struct call *call)
{
    int64_t since = rq->loop->now;

    call->arena = &rq->arena;
    call->deadline = rq->deadline;
    call->fiber = fiber_current();
    if (rq->transaction) {
        lane_run(rq->transaction, call);
    } else if (lane_enqueue(pg_lane(rq->worker, call->statement->kind), call)) {
        fiber_wait();
    } else {
        call->state = CALL_UNAVAILABLE;
        metric_count(&rq->worker->pg_metrics->refused[call->statement->kind]);
    }
    timing_database(&rq->timing, call->statement->name, rq->loop->now - since);
    if (call->state == CALL_DONE)
        return call->count ? QUERY_ROW : QUERY_NONE;
    if (call->state == CALL_CONFLICT && call->statement->kind == STATEMENT_CHANGE)
        return QUERY_CONFLICT;
    reply_unavailable(rq);
    return QUERY_REPLIED;
}

enum query_result query_row(struct request *rq, const struct statement *statement, const void *params,
                            void *row)
{
    struct call call = {.statement = statement, .params = params, .first_only = true, .rows = row, .room = 1};

    if (!row)
        call.rows = NULL, call.room = 0;
    return run(rq, &call);
}

enum query_result query_rows(struct request *rq, const struct statement *statement, const void *params,
                             struct rows *rows)
{
    struct call call = {.statement = statement, .params = params};
    enum query_result result = run(rq, &call);

    *rows = (struct rows){call.rows, call.count};
    return result;
}

bool query_begin(struct request *rq)
{
    if (rq->transaction) {
        rq->transaction_depth++;
        return true;
    }
    int64_t since = rq->loop->now;
    rq->transaction_doomed = false;
    rq->transaction = lane_take(pg_lane(rq->worker, STATEMENT_CHANGE), rq->deadline);
    timing_database(&rq->timing, NULL, rq->loop->now - since);
    if (!rq->transaction)
        reply_unavailable(rq);
    return rq->transaction != NULL;
}

bool query_commit(struct request *rq)
{
    if (rq->transaction_depth) {
        rq->transaction_depth--;
        return true;
    }
    if (rq->transaction_doomed) {
        query_rollback(rq);
        return true; /* the reply is the one of the part that was rolled back */
    }
    int64_t since = rq->loop->now;
    bool committed = lane_commit(rq->transaction);
    timing_database(&rq->timing, NULL, rq->loop->now - since);
    rq->transaction = NULL;
    if (!committed)
        reply_unavailable(rq);
    return committed;
}

void query_rollback(struct request *rq)
{
    if (rq->transaction_depth) {
        rq->transaction_depth--;
        rq->transaction_doomed = true;
        return;
    }
    lane_drop(rq->transaction);
    rq->transaction = NULL;
}
