#include "common/items/retention.h"

#include <stdlib.h>

#include "common/base/iso8601.h"
#include "common/http/request.h"
#include "common/items/parameter.h"
#include "common/items/retention.sql.h"
#include "common/serve/metrics.h"
#include "common/serve/query.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"

#define MOST  100000 /* rows of one call */
#define EARLY "before must be a day ago or earlier"

STATEMENT(claim_retention, CHANGE, ROW(struct retention_any, any));

struct retention_in {
    struct text before;
    int8_t dry_run;
    int64_t limit;
};

#define OF struct retention_in
static const struct field in_fields[] = {
    FIELD(
        TEXT, before, .flags = FIELD_REQUIRED,
        .help =
            "Rows with an earlier time are old. A time (UTC if it has no offset) or a day of UTC, at least a "
            "day ago.",
        .example = "\"2024-01-01T00:00:00Z\""),
    FIELD(BOOL, dry_run, .fallback = "true", .help = "Count them only.", .example = "true"),
    FIELD(INT, limit, .min = 1, .max = MOST, .fallback = "100000", .help = "The most rows to delete.",
          .example = "100000"),
};
const struct shape retention_in_shape = SHAPE("RetentionIn", "What to delete.", in_fields);
#undef OF

struct answer {
    int64_t deleted, matched;
    int8_t remaining, dry_run;
    struct moment before, oldest, newest;
    struct kept_json by_lab_type;
};

/* The answer about what was deleted has the first DELETED_FIELDS of these, and that of a dry run all but the
 * first two. */
#define DELETED_FIELDS 5
#define OF             struct answer
static const struct field answer_fields[] = {
    FIELD(INT, deleted, .flags = FIELD_OPTIONAL, .help = "Rows that were deleted.", .example = "100000"),
    FIELD(BOOL, remaining, .flags = FIELD_OPTIONAL, .help = "Whether old rows are left.", .example = "true"),
    FIELD(BOOL, dry_run, .help = "Whether nothing was deleted, only counted.", .example = "false"),
    FIELD(TIME_Z, before, .help = "As it was understood.", .example = "\"2024-01-01T00:00:00Z\""),
    FIELD(INT_MAP, by_lab_type, .help = "These rows by lab type, most first; `null`: without one.",
          .example = "{\"filesystem\":60000,\"network\":40000}"),
    FIELD(INT, matched, .flags = FIELD_OPTIONAL, .help = "A dry run: the old rows.", .example = "180000"),
    FIELD(TIME_Z, oldest, .flags = FIELD_NULLABLE | FIELD_OPTIONAL,
          .help = "A dry run: the first of their times.", .example = "\"2023-01-02T08:39:43.599397Z\""),
    FIELD(TIME_Z, newest, .flags = FIELD_NULLABLE | FIELD_OPTIONAL,
          .help = "A dry run: the last of their times.", .example = "\"2023-12-31T23:10:00Z\""),
};
const struct shape retention_shape = SHAPE("Retention", "What was deleted, or would be.", answer_fields);
static const struct shape deleted_shape = {NULL, NULL, sizeof(OF), answer_fields, DELETED_FIELDS};
static const struct shape dry_shape = {NULL, NULL, sizeof(OF), answer_fields + 2, COUNT(answer_fields) - 2};
#undef OF

/* Reads `before`; false: the reply is 422. */
static bool read_before(struct request *rq, const struct retention_in *in, struct moment *before)
{
    const char *fault = NULL;

    if (!iso8601_read_time(in->before, before))
        fault = "not a time such as 2024-01-01T00:00:00Z, nor a date";
    else if (before->us > clock_of_day().us - MOMENT_DAY)
        fault = EARLY;
    if (fault)
        reply_bad_member(rq, "before", in->before, fault);
    return !fault;
}

static int compare_names(const void *a, const void *b)
{
    return text_compare(((const struct retention_lab *)a)->lab_type,
                        ((const struct retention_lab *)b)->lab_type);
}

static int compare_rows(const void *a, const void *b)
{
    const struct retention_lab *x = a, *y = b;
    int order = (x->rows < y->rows) - (x->rows > y->rows);

    return order ? order : compare_names(a, b);
}

/* Rows deleted in several transactions: the labs of each are added. */
struct tally {
    struct retention_lab *labs;
    size_t count, room;
};

/* Adds the labs of a transaction; false: no memory. */
static bool tally_add(struct tally *tally, struct arena *arena, struct rows rows)
{
    if (tally->count + rows.count > tally->room) {
        size_t room = 2 * (tally->count + rows.count);
        struct retention_lab *labs = arena_alloc(arena, room * sizeof(*labs));
        if (!labs)
            return false;
        if (tally->count)
            memcpy(labs, tally->labs, tally->count * sizeof(*labs));
        tally->labs = labs;
        tally->room = room;
    }
    if (rows.count)
        memcpy(tally->labs + tally->count, rows.items, rows.count * sizeof(*tally->labs));
    tally->count += rows.count;
    return true;
}

/* Makes one entry of each lab type, most rows first. */
static void tally_sort(struct tally *tally)
{
    size_t kept = 0;

    if (!tally->count)
        return;
    qsort(tally->labs, tally->count, sizeof(*tally->labs), compare_names);
    for (size_t i = 1; i < tally->count; i++) {
        if (compare_names(&tally->labs[kept], &tally->labs[i]) == 0)
            tally->labs[kept].rows += tally->labs[i].rows;
        else
            tally->labs[++kept] = tally->labs[i];
    }
    tally->count = kept + 1;
    qsort(tally->labs, tally->count, sizeof(*tally->labs), compare_rows);
}

/* `{"filesystem":2}`; the null text: no memory. */
static struct text print_labs(struct arena *arena, const struct retention_lab *labs, size_t count)
{
    struct writer w = writer_start(arena);

    write_char(&w, '{');
    for (size_t i = 0; i < count; i++) {
        if (i)
            write_char(&w, ',');
        write_json_text(&w, labs[i].lab_type);
        write_char(&w, ':');
        write_int(&w, labs[i].rows);
    }
    write_char(&w, '}');
    return w.failed ? TEXT_NULL : (struct text){w.at, w.len};
}

static enum reply answer(struct request *rq, const struct shape *shape, struct answer *answer,
                         const struct retention_lab *labs, size_t count)
{
    answer->by_lab_type.bytes = print_labs(&rq->arena, labs, count);
    return answer->by_lab_type.bytes.at ? reply(rq, shape, answer) : reply_unavailable(rq);
}

/* Counts what is old. */
static enum reply count(struct request *rq, const struct retention *of, const struct retention_params *params)
{
    struct answer found = {
        .dry_run = 1, .before = params->before, .oldest = MOMENT_NULL, .newest = MOMENT_NULL};
    struct rows rows;

    rq->deadline = rq->loop->now + rq->worker->settings->report_timeout * MILLISECOND;
    if (query_rows(rq, of->match, params, &rows) == QUERY_REPLIED)
        return REPLIED;
    const struct retention_lab *labs = rows.items;
    for (size_t i = 0; i < rows.count; i++) {
        found.matched += labs[i].rows;
        if (!i || labs[i].oldest.us < found.oldest.us)
            found.oldest = labs[i].oldest;
        if (!i || labs[i].newest.us > found.newest.us)
            found.newest = labs[i].newest;
    }
    return answer(rq, &dry_shape, &found, labs, rows.count);
}

/* Deletes a slice and counts its rows; false: the reply is 503. */
static bool delete_slice(struct request *rq, const struct retention *of,
                         const struct retention_params *params, struct rows *labs, int64_t *deleted)
{
    enum query_result result = query_rows(rq, of->delete, params, labs);

    if (result == QUERY_CONFLICT)
        reply_unavailable(rq);
    if (result != QUERY_ROW && result != QUERY_NONE)
        return false;
    *deleted = 0;
    for (size_t i = 0; i < labs->count; i++)
        *deleted += ((const struct retention_lab *)labs->items)[i].rows;
    metric_add(&rq->worker->retention_metrics->deleted, (uint64_t)*deleted);
    return true;
}

/* Deletes slices until nothing old is left, `limit` is reached, or the next one might end too late. */
static bool delete_slices(struct request *rq, const struct retention *of, struct moment before, int64_t limit,
                          struct tally *tally, int64_t *deleted)
{
    const struct settings *settings = rq->worker->settings;
    int64_t end = rq->loop->now + settings->retention.timeout * MILLISECOND, longest = 0;
    int64_t asked, gone;

    rq->deadline = end + settings->ingest.timeout * MILLISECOND;
    do {
        int64_t since = rq->loop->now, left = limit - *deleted;
        struct rows labs;
        asked = left < RETENTION_SLICE ? left : RETENTION_SLICE;
        if (!delete_slice(rq, of, &(struct retention_params){before, asked}, &labs, &gone))
            return false;
        if (!tally_add(tally, &rq->arena, labs)) {
            reply_unavailable(rq);
            return false;
        }
        *deleted += gone;
        if (rq->loop->now - since > longest)
            longest = rq->loop->now - since;
    } while (gone == asked && *deleted < limit && rq->loop->now + longest < end && !rq->worker->draining);
    return true;
}

/* Deletes what is old. */
static enum reply delete_old(struct request *rq, const struct retention *of, struct moment before,
                             int64_t limit)
{
    struct answer done = {.before = before};
    struct retention_any left = {0};
    struct tally tally = {0};

    if (!delete_slices(rq, of, before, limit, &tally, &done.deleted) ||
        query_row(rq, of->any, &(struct retention_params){.before = before}, &left) == QUERY_REPLIED)
        return REPLIED;
    done.remaining = left.any;
    tally_sort(&tally);
    return answer(rq, &deleted_shape, &done, tally.labs, tally.count);
}

enum reply retention_reply(struct request *rq, const struct retention *retention)
{
    const struct retention_in *in = rq->body;
    struct moment before;

    if (!read_before(rq, in, &before))
        return REPLIED;
    if (in->dry_run)
        return count(rq, retention, &(struct retention_params){.before = before});
    return delete_old(rq, retention, before, in->limit);
}

void retention_keep(struct request *rq, const struct retention *retention)
{
    int64_t days = rq->worker->settings->retention.days, deleted;
    struct retention_params params = {{clock_of_day().us - days * MOMENT_DAY}, RETENTION_SLICE};
    struct retention_any any = {0};
    struct rows labs;

    if (!days || query_row(rq, retention->any, &params, &any) != QUERY_ROW || any.any != 1)
        return;
    if (query_row(rq, &claim_retention, NULL, &any) != QUERY_ROW)
        return;
    /* A failure has its metrics and its line in the log; the next turn tries again. */
    if (!delete_slice(rq, retention, &params, &labs, &deleted))
        return;
}

/* Metrics */

static const struct metric_family families[] = {
    {"retention_deleted_rows_total", METRIC_COUNTER, METRIC_ONE(struct retention_metrics, deleted),
     .help = "Rows that were deleted because of their age."},
};

static const struct metric_group metric_group = {sizeof(struct retention_metrics), families, COUNT(families)};

static bool open_metrics(struct worker *worker, bool first)
{
    (void)first;
    worker->retention_metrics = metrics_add_room(&worker->metrics, &metric_group);
    return worker->retention_metrics != NULL;
}

const struct part retention_part = {.name = "retention", .open = open_metrics};
