#include "common/items/export.h"

#include <stdio.h>
#include <time.h>

#include "common/auth/auth.h"
#include "common/http/request.h"
#include "common/items/csv.h"
#include "common/items/parameter.h"
#include "common/pg/call.h"
#include "common/serve/query.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"

#define FETCH_FIRST ((int64_t)200)      /* rows of the first FETCH */
#define FETCH_MOST  ((int64_t)1000)     /* the most rows of a FETCH */
#define FETCH_BYTES ((size_t)512 << 10) /* memory that the rows of a FETCH should take */
#define FETCH_LIMIT ((size_t)4 << 20)   /* … beyond which those that are left are fetched again */

const char *const export_formats[] = {"ndjson", "csv", NULL};
const char *const export_orders[] = {"id", "timestamp", NULL};
const char *const export_ends[] = {"line", NULL};

struct export_run {
    struct export_run *earlier; /* that is running too */
    int64_t since;
    struct request *rq;
    const struct export *of;
    const struct export_query *query;
    bool csv;
    struct export_params params;
    struct statement declare; /* opens the cursor */
    struct arena arena;       /* memory of the rows that were fetched last */
    struct statement fetch;   /* fetches the next rows of the cursor */
    int64_t most;             /* rows of the next FETCH */
    bool cut;                 /* the cursor is beyond rows for which there was no room */
    int64_t rows, last_id;    /* number of rows written, id of the last one */
};

/* A command that works on the cursor of a statement, of the same kind as that; it is planned each time. */
static struct statement utility(const struct statement *of, const char *name, const char *sql)
{
    return (struct statement){.name = name, .sql = sql, .kind = of->kind, .planned_anew = true};
}

/* False: the reply is 503. */
static bool run_call(struct export_run *run, struct call *call)
{
    call->arena = &run->arena;
    enum query_result result = query_call(run->rq, call);
    if (result == QUERY_CONFLICT)
        reply_unavailable(run->rq);
    return result == QUERY_NONE || result == QUERY_ROW;
}

static bool execute(struct export_run *run, const struct statement *statement, const void *params)
{
    return run_call(run, &(struct call){.statement = statement, .params = params});
}

/* Opens the cursor; false: the reply is 503. */
static bool open_cursor(struct export_run *run)
{
    const struct statement *rows = run->of->statement;
    struct statement begin = utility(rows, "begin_export", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");

    run->declare = *rows;
    run->declare.name = "declare_export";
    run->declare.sql = arena_printf(&run->rq->arena, "DECLARE export NO SCROLL CURSOR FOR %s", rows->sql);
    run->declare.column_count = 0;
    if (!run->declare.sql) {
        reply_unavailable(run->rq);
        return false;
    }
    return execute(run, &begin, NULL) && execute(run, &run->declare, &run->params);
}

/* Opens it again behind the row that was written last: in the same transaction, so of the same snapshot. */
static bool reopen_cursor(struct export_run *run)
{
    bool by_id = text_equal(run->params.order, TEXT("id"));
    char sql[48];

    snprintf(sql, sizeof(sql), "MOVE %lld IN export", (long long)run->rows);
    struct statement close = utility(run->of->statement, "close_export", "CLOSE export");
    struct statement move = utility(run->of->statement, "move_export", sql);
    if (by_id)
        run->params.after_id = run->last_id;
    run->cut = false;
    return execute(run, &close, NULL) && execute(run, &run->declare, &run->params) &&
           (by_id || execute(run, &move, NULL));
}

/* Fetches the next rows; there are none at the end. False: a reply is written, or the answer was cut. */
static bool fetch(struct export_run *run, struct rows *rows)
{
    arena_reset(&run->arena);
    if (run->cut && !reopen_cursor(run))
        return false;
    run->fetch = *run->of->statement;
    run->fetch.name = "fetch_export";
    run->fetch.param_count = 0;
    run->fetch.large = true;
    run->fetch.sql = arena_printf(&run->arena, "FETCH %lld FROM export", (long long)run->most);
    if (!run->fetch.sql) {
        reply_unavailable(run->rq);
        return false;
    }
    struct call call = {.statement = &run->fetch, .bytes_most = FETCH_LIMIT};
    bool good = run_call(run, &call);
    run->cut = call.cut;
    *rows = (struct rows){call.rows, call.count};
    /* The number of rows that would fit into FETCH_BYTES if they are like these. */
    size_t used = arena_used(&run->arena) / (call.count ? call.count : 1) + 1;
    int64_t fit = (int64_t)(FETCH_BYTES / used);
    run->most = fit < 1 ? 1 : fit > FETCH_MOST ? FETCH_MOST : fit;
    return good;
}

static void write_rows(struct export_run *run, struct rows rows)
{
    struct writer *w = &run->rq->out;
    const char *row = rows.items;

    for (size_t i = 0; i < rows.count && !w->failed; i++, row += run->of->statement->row_size) {
        if (run->csv) {
            csv_write_row(w, &run->arena, run->of->item, row, run->query->spreadsheet == 1);
        } else {
            shape_write(w, run->of->item, row);
            write_char(w, '\n');
        }
        run->last_id = *(const int64_t *)(const void *)(row + run->of->id);
        run->rows++;
    }
}

static void write_end(struct export_run *run)
{
    struct writer *w = &run->rq->out;

    if (!run->query->end.at)
        return;
    write_literal(w, "{\"end\":true,\"rows\":");
    write_int(w, run->rows);
    write_literal(w, ",\"last_id\":");
    if (run->rows)
        write_int(w, run->last_id);
    else
        write_literal(w, "null");
    write_literal(w, "}\n");
}

/* Sets the header of the answer, and writes the header row of a CSV. */
static void begin_answer(struct export_run *run)
{
    struct request *rq = run->rq;
    time_t now = (time_t)(clock_of_day().us / MOMENT_SECOND);
    char stamp[32];
    struct tm utc;

    reply_text(rq, 200, run->csv ? "text/csv; charset=utf-8" : "application/x-ndjson", TEXT(""));
    rq->out.lines = !run->csv;
    gmtime_r(&now, &utc);
    strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc);
    const char *file = arena_printf(&rq->arena, "attachment; filename=\"%s-%s.%s\"", run->of->name, stamp,
                                    run->csv ? "csv" : "ndjson");
    if (file)
        reply_header(rq, "Content-Disposition", file);
    if (rq->head)
        reply_length(rq, LENGTH_UNKNOWN);
    else if (run->csv)
        csv_write_header(&rq->out, run->of->item);
}

static void run_export(struct export_run *run)
{
    struct request *rq = run->rq;
    struct rows rows;

    if (!query_begin(rq))
        return;
    bool good = open_cursor(run) && fetch(run, &rows);
    if (good)
        begin_answer(run);
    while (good && rows.count && !rq->out.failed) {
        write_rows(run, rows);
        good = !rq->out.failed && fetch(run, &rows);
    }
    if (good && !rq->out.failed)
        write_end(run);
    query_rollback(rq); /* closes the connection, and with it the cursor */
}

/* Checks what a shape cannot check; false: a reply is written. */
static bool is_sensible(struct request *rq, const struct export_query *query)
{
    if (rq->old_http)
        reply_error(rq, 505, "An export needs HTTP/1.1 (nginx: proxy_http_version 1.1)");
    else if (query->after_id != INT_NULL && !text_equal(query->order, TEXT("id")))
        reply_bad_parameter(rq, "after_id", TEXT(""), "after_id goes with the order of ids alone");
    else if (query->end.at && !text_equal(query->format, TEXT("ndjson")))
        reply_bad_parameter(rq, "end", query->end, "a last line goes with NDJSON alone");
    else
        return auth_require_user(rq, query->user_id);
    return false;
}

/* The exports that are running */

static size_t count_running(const struct worker *worker)
{
    size_t count = 0;

    for (const struct export_run *run = worker->exports; run; run = run->earlier)
        count++;
    return count;
}

static void join(struct worker *worker, struct export_run *run)
{
    run->earlier = worker->exports;
    worker->exports = run;
}

static void leave(struct worker *worker, const struct export_run *run)
{
    struct export_run **at = &worker->exports;

    while (*at != run)
        at = &(*at)->earlier;
    *at = run->earlier;
}

static void end_turn(struct worker *worker)
{
    const struct export_run *oldest = worker->exports;

    while (oldest && oldest->earlier)
        oldest = oldest->earlier;
    metric_set(&worker->export_metrics->running, count_running(worker));
    metric_set(&worker->export_metrics->oldest, oldest ? (uint64_t)(worker->loop.now - oldest->since) : 0);
}

enum reply export_reply(struct request *rq, const struct export *export)
{
    const struct export_query *query = rq->query;
    struct worker *worker = rq->worker;
    struct range range;

    if (!is_sensible(rq, query) ||
        !range_read(rq, &(struct range_text){query->from, query->to, query->zone}, &range))
        return REPLIED;
    struct export_run run = {.since = rq->loop->now,
                             .rq = rq,
                             .of = export,
                             .query = query,
                             .csv = text_equal(query->format, TEXT("csv")),
                             .most = FETCH_FIRST,
                             .params = {.order = query->order,
                                        .user_id = query->user_id,
                                        .lab_type = query->lab_type,
                                        .client_id = query->client_id,
                                        .kind = query->kind,
                                        .from = range.from,
                                        .to = range.to,
                                        .after_id = query->after_id,
                                        .passed = query->passed}};
    if (rq->head) {
        begin_answer(&run);
        return REPLIED;
    }
    if (count_running(worker) >= (size_t)worker->settings->pg.export_connections)
        return reply_unavailable(rq);
    join(worker, &run);
    run_export(&run);
    leave(worker, &run);
    arena_free(&run.arena);
    return REPLIED;
}

/* Metrics */

static const struct metric_family families[] = {
    {"exports_running", METRIC_GAUGE, METRIC_ONE(struct export_metrics, running),
     .help = "Exports that are running; each holds a snapshot of the database."},
    {"exports_oldest_age_seconds", METRIC_AGE, METRIC_ONE(struct export_metrics, oldest),
     .help = "How long the oldest of them has been running; 0 if there is none."},
};

static const struct metric_group metric_group = {sizeof(struct export_metrics), families, COUNT(families)};

static bool open_metrics(struct worker *worker, bool first)
{
    (void)first;
    worker->export_metrics = metrics_add_room(&worker->metrics, &metric_group);
    return worker->export_metrics != NULL;
}

const struct part export_part = {.name = "exports", .open = open_metrics, .end_turn = end_turn};
