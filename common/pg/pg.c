/* What handlers call (pg.h): each call waits in its fiber while a lane carries its statement. */
#include "common/pg/pg.h"

#include <stdlib.h>

#include "common/base/fiber.h"
#include "common/http/request.h"
#include "common/pg/lane.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"

struct pg {
    struct lane *lanes[LANES];
};

struct lane *pg_lane(const struct worker *worker, enum statement_kind kind)
{
    return worker->pg->lanes[kind];
}

bool pg_open(struct worker *worker)
{
    const struct settings *s = worker->settings;
    const size_t counts[LANES] = {
        [STATEMENT_READ] = (size_t)s->read_connections,
        [STATEMENT_REPORT] = (size_t)s->report_connections,
        [STATEMENT_APPEND] = (size_t)s->append_connections,
        [STATEMENT_CHANGE] = (size_t)s->change_connections,
    };

    /* libpq sends it as a connection starts, which, other than a SET, PgBouncer keeps to in transaction mode.
     */
    worker->pg = setenv("PGTZ", "UTC", 1) == 0 ? calloc(1, sizeof(*worker->pg)) : NULL;
    if (!worker->pg)
        return false;
    for (size_t kind = 0; kind < LANES; kind++) {
        bool batches = kind == STATEMENT_READ || kind == STATEMENT_APPEND;
        worker->pg->lanes[kind] =
            lane_open(worker, (enum statement_kind)kind, counts[kind], batches ? (size_t)s->batch_limit : 1);
        if (!worker->pg->lanes[kind]) {
            pg_close(worker);
            return false;
        }
    }
    return true;
}

void pg_close(struct worker *worker)
{
    if (!worker->pg)
        return;
    for (size_t kind = 0; kind < LANES; kind++)
        lane_close(worker->pg->lanes[kind]);
    free(worker->pg);
    worker->pg = NULL;
}

void pg_flush(struct worker *worker)
{
    for (size_t kind = 0; kind < LANES; kind++)
        lane_flush(worker->pg->lanes[kind]);
}

void pg_poll(struct worker *worker)
{
    if (worker->pg)
        lane_poll(worker->pg->lanes[STATEMENT_APPEND]);
}

bool pg_ready(const struct worker *worker)
{
    return link_schema_ready() && lane_ready(worker->pg->lanes[STATEMENT_READ]) &&
           lane_ready(worker->pg->lanes[STATEMENT_APPEND]);
}

/* Waits for the call in the request's transaction, or in the lane of its kind. */
static enum pg_answer run(struct request *rq, struct call *call)
{
    int64_t since = rq->worker->loop.now;

    call->arena = &rq->arena;
    call->deadline = rq->deadline;
    call->fiber = fiber_current();
    if (rq->transaction) {
        lane_run(rq->transaction, call);
    } else if (lane_enqueue(pg_lane(rq->worker, call->statement->kind), call)) {
        fiber_wait();
    } else {
        call->state = CALL_UNAVAILABLE;
        metrics_count(&rq->worker->metrics.database_refused[call->statement->kind]);
    }
    timing_database(rq, call->statement, since);
    if (call->state == CALL_DONE)
        return call->count ? PG_ROW : PG_NONE;
    if (call->state == CALL_CONFLICT && call->statement->kind == STATEMENT_CHANGE)
        return PG_CONFLICT;
    reply_unavailable(rq);
    return PG_REPLIED;
}

enum pg_answer pg_row(struct request *rq, const struct statement *statement, const void *params, void *row)
{
    struct call call = {.statement = statement, .params = params, .first_only = true, .rows = row, .room = 1};

    if (!row)
        call.rows = NULL, call.room = 0;
    return run(rq, &call);
}

enum pg_answer pg_rows(struct request *rq, const struct statement *statement, const void *params,
                       struct rows *rows)
{
    struct call call = {.statement = statement, .params = params};
    enum pg_answer result = run(rq, &call);

    *rows = (struct rows){call.rows, call.count};
    return result;
}

bool pg_begin(struct request *rq)
{
    if (rq->transaction) {
        rq->transaction_depth++;
        return true;
    }
    int64_t since = rq->worker->loop.now;
    rq->transaction_doomed = false;
    rq->transaction = lane_take(pg_lane(rq->worker, STATEMENT_CHANGE), rq->deadline);
    timing_database(rq, NULL, since);
    if (!rq->transaction)
        reply_unavailable(rq);
    return rq->transaction != NULL;
}

bool pg_commit(struct request *rq)
{
    if (rq->transaction_depth) {
        rq->transaction_depth--;
        return true;
    }
    if (rq->transaction_doomed) {
        pg_rollback(rq);
        return true; /* the reply is the one of the part that was rolled back */
    }
    int64_t since = rq->worker->loop.now;
    bool committed = lane_commit(rq->transaction);
    timing_database(rq, NULL, since);
    rq->transaction = NULL;
    if (!committed)
        reply_unavailable(rq);
    return committed;
}

void pg_rollback(struct request *rq)
{
    if (rq->transaction_depth) {
        rq->transaction_depth--;
        rq->transaction_doomed = true;
        return;
    }
    lane_drop(rq->transaction);
    rq->transaction = NULL;
}
