#include "common/serve/chores.h"

#include "common/base/log.h"
#include "common/base/loop.h"
#include "common/http/request.h"
#include "common/pg/metrics.h"
#include "common/serve/chores.sql.h"
#include "common/serve/query.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"

#define FORGET_AT_ONCE 1000 /* rows, so that each deletion is a short transaction */
#define FORGET_ROUNDS  1000 /* the most deletions in a row; what is left is deleted next time */
#define IDS_WARNING    0.9  /* of a table's ids: beyond that, the log warns */

struct forgetting {
    int64_t limit, rows;
};

STATEMENT(forget_keys, CHANGE, PARAMS(struct forgetting, limit), ROW(struct forgetting, rows));
STATEMENT(forget_slots, CHANGE, PARAMS(struct forgetting, limit), ROW(struct forgetting, rows));

/* Each statement has its own time, so that one chore that takes long does not take the time of the others. */
static void renew_deadline(struct request *rq)
{
    rq->deadline = rq->loop->now + rq->worker->settings->report_timeout * MILLISECOND;
}

static void forget(struct request *rq, const struct statement *statement)
{
    const struct forgetting asked = {.limit = FORGET_AT_ONCE};
    struct forgetting gone = {.rows = FORGET_AT_ONCE};

    for (int round = 0; round < FORGET_ROUNDS && gone.rows == FORGET_AT_ONCE; round++) {
        renew_deadline(rq);
        if (query_row(rq, statement, &asked, &gone) != QUERY_ROW)
            return;
    }
}

struct ids {
    struct text of_table;
    int64_t total, left;
};

STATEMENT(list_ids, REPORT, ROW(struct ids, of_table, total, left));

static void look_at_ids(struct request *rq)
{
    struct rows rows;

    renew_deadline(rq);
    if (query_rows(rq, &list_ids, NULL, &rows) != QUERY_ROW)
        return;
    const struct ids *ids = rows.items;
    double most = 0;
    for (size_t i = 0; i < rows.count; i++) {
        double used = 1 - (double)ids[i].left / (double)ids[i].total;
        most = used > most ? used : most;
        if (used < IDS_WARNING)
            continue;
        char *left = arena_printf(&rq->arena, "%lld", (long long)ids[i].left);
        char *table = arena_string(&rq->arena, ids[i].of_table);
        log_line(LOG_WARNING, "ids run out: widen the column and its sequence to bigint", "table",
                 table ? table : "", "left", left ? left : "", NULL);
    }
    metric_set(&rq->worker->pg_metrics->ids_used, (uint64_t)(100 * most));
}

void chores_run(struct request *rq)
{
    forget(rq, &forget_keys);
    forget(rq, &forget_slots);
    look_at_ids(rq);
}
