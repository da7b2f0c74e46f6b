#include "common/serve/query.h"

#include "common/http/request.h"
#include "common/pg/call.h"
#include "common/pg/pg.h"
#include "common/pg/transaction.h"
#include "common/serve/worker.h"

/* The code that set before_write ends the transaction, so it counts as begun once more than handlers know. */
static bool take_transaction(struct request *rq)
{
    int64_t since = rq->loop->now;
    unsigned flags = rq->endpoint ? rq->endpoint->flags : 0;
    enum statement_kind lane = flags & ENDPOINT_BATCH    ? STATEMENT_INGEST
                               : flags & ENDPOINT_EXPORT ? STATEMENT_EXPORT
                                                         : STATEMENT_CHANGE;

    rq->transaction_doomed = false;
    rq->transaction_depth = rq->before_write ? 1 : 0;
    rq->transaction = transaction_begin(rq->worker->pg, lane, rq->deadline);
    timing_database(&rq->timing, NULL, rq->loop->now - since);
    if (!rq->transaction) {
        reply_unavailable(rq);
        return false;
    }
    if (!rq->before_write || rq->before_write(rq))
        return true;
    query_rollback(rq);
    return false;
}

/* Waits for the call in the request's transaction, or in the lane of its kind. */
enum query_result query_call(struct request *rq, struct call *call)
{
    bool writes = kind_writes(call->statement->kind);

    if (rq->before_write && writes && !rq->transaction && !take_transaction(rq))
        return QUERY_REPLIED;
    int64_t since = rq->loop->now;
    if (!call->arena)
        call->arena = &rq->arena;
    call->deadline = rq->deadline;
    if (rq->transaction)
        transaction_run(rq->transaction, call);
    else
        pg_run(rq->worker->pg, call);
    timing_database(&rq->timing, call->statement->name, rq->loop->now - since);
    if (call->state == CALL_DONE)
        return call->count ? QUERY_ROW : QUERY_NONE;
    if (call->state == CALL_CONFLICT && call->statement->kind >= STATEMENT_CHANGE)
        return QUERY_CONFLICT;
    rq->runs_again = rq->runs_again || call->state == CALL_AGAIN;
    reply_unavailable(rq);
    return QUERY_REPLIED;
}

enum query_result query_row(struct request *rq, const struct statement *statement, const void *params,
                            void *row)
{
    struct call call = {.statement = statement, .params = params, .first_only = true, .rows = row, .room = 1};

    if (!row)
        call.rows = NULL, call.room = 0;
    return query_call(rq, &call);
}

bool query_found(struct request *rq, const struct statement *statement, const void *params, void *row,
                 const char *missing)
{
    enum query_result result = query_row(rq, statement, params, row);

    if (result == QUERY_NONE)
        reply_error(rq, 404, missing);
    return result == QUERY_ROW;
}

enum reply query_reply(struct request *rq, const struct statement *statement, const void *params, void *row,
                       const struct shape *shape, const char *missing)
{
    return query_found(rq, statement, params, row, missing) ? reply(rq, shape, row) : REPLIED;
}

enum query_result query_rows(struct request *rq, const struct statement *statement, const void *params,
                             struct rows *rows)
{
    struct call call = {.statement = statement, .params = params};
    enum query_result result = query_call(rq, &call);

    *rows = (struct rows){call.rows, call.count};
    return result;
}

bool query_begin(struct request *rq)
{
    if (!rq->transaction && !take_transaction(rq))
        return false;
    rq->transaction_depth++;
    return true;
}

bool query_commit(struct request *rq)
{
    if (--rq->transaction_depth)
        return true;
    int64_t since = rq->loop->now;
    bool committed = false;
    if (rq->transaction_doomed)
        transaction_rollback(rq->transaction);
    else
        committed = transaction_commit(rq->transaction);
    timing_database(&rq->timing, NULL, rq->loop->now - since);
    rq->transaction = NULL;
    if (!committed && !rq->transaction_doomed)
        reply_unavailable(rq);
    return committed || rq->transaction_doomed; /* the reply is that of the part that was rolled back */
}

void query_rollback(struct request *rq)
{
    if (--rq->transaction_depth) {
        rq->transaction_doomed = true;
        return;
    }
    transaction_rollback(rq->transaction);
    rq->transaction = NULL;
}
