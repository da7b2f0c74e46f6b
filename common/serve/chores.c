#include "common/serve/chores.h"

#include "common/base/log.h"
#include "common/http/request.h"
#include "common/pg/metrics.h"
#include "common/serve/query.h"
#include "common/serve/worker.h"

#define FORGET_AT_ONCE 1000 /* rows: each deletion is a short transaction */
#define FORGET_ROUNDS  1000 /* of them; what is left is deleted next time */
#define IDS_WARNING    0.9  /* of a table's ids: from there on the log warns */

static const struct column count_row[] = {{.type = COLUMN_INT}};
static const struct column limit_params[] = {{.type = COLUMN_INT}};

#define FORGETS                                                                                              \
    .kind = STATEMENT_CHANGE, .params = limit_params, .param_count = 1, .row = count_row, .column_count = 1, \
    .row_size = sizeof(int64_t)

static const struct statement forget_keys = {
    .name = "forget_keys",
    .sql = "WITH gone AS (DELETE FROM idempotency_keys WHERE key IN (SELECT key FROM idempotency_keys"
           " WHERE created_at < now() - interval '1 day' ORDER BY created_at LIMIT $1) RETURNING 1)"
           " SELECT count(*) FROM gone",
    FORGETS,
};

/* A row that is a day old is of a connection that no daemon has any more, or that has not written since. */
static const struct statement forget_slots = {
    .name = "forget_slots",
    .sql = "WITH gone AS (DELETE FROM write_slots WHERE slot IN (SELECT slot FROM write_slots"
           " WHERE at < now() - interval '1 day' LIMIT $1) RETURNING 1)"
           " SELECT count(*) FROM gone",
    FORGETS,
};

static void forget(struct request *rq, const struct statement *statement)
{
    const int64_t limit = FORGET_AT_ONCE;
    int64_t gone = limit;

    for (int round = 0; round < FORGET_ROUNDS && gone == limit; round++)
        if (query_row(rq, statement, &limit, &gone) != QUERY_ROW)
            return;
}

struct ids {
    struct text table;
    int64_t total, left;
};

/* Of each table whose ids come from a sequence: what the column's type and the sequence allow, and what is
 * left of it. */
static const struct statement list_ids = {
    .name = "list_ids",
    .sql =
        "SELECT relname::text, total, total - last FROM (SELECT c.relname, coalesce(pg_sequence_last_value("
        "s.seqrelid), 0) AS last, least(s.seqmax, CASE a.atttypid WHEN 'int2'::regtype THEN 32767"
        " WHEN 'int4'::regtype THEN 2147483647 ELSE 9223372036854775807 END) AS total FROM pg_sequence s"
        " JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid"
        " AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')"
        " JOIN pg_class c ON c.oid = d.refobjid AND c.relnamespace = current_schema()::regnamespace"
        " JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid) AS ids"
        " ORDER BY relname",
    .kind = STATEMENT_REPORT,
    .row = (const struct column[]){COLUMN(struct ids, table), COLUMN(struct ids, total),
                                   COLUMN(struct ids, left)},
    .column_count = 3,
    .row_size = sizeof(struct ids),
};

static void look_at_ids(struct request *rq)
{
    struct rows rows;

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
        char *table = arena_string(&rq->arena, ids[i].table);
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
