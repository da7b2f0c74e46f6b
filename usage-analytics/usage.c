#include "usage-analytics/usage.h"

#include "common/http/request.h"
#include "common/serve/query.h"
#include "common/shape/declare.h"
#include "directory/directory.h"
#include "directory/lookup.h"
#include "usage-analytics/usage.sql.h"

#define FOLD_CHANGES 4000 /* the most changes that one run folds: about 100 ms */
#define FOLD_AGAIN   1000 /* so many changes folded: more may wait */
#define FOLD_RUNS    8    /* the most runs in a row */

struct days {
    int64_t days;
};

/* Any number of digits is accepted: very many days are the whole history (usage_days_ago). */
#define OF struct days
static const struct field usage_days_fields[] = {
    FIELD(INT, days, .flags = FIELD_CAPPED, .max = INT64_MAX, .fallback = "7",
          .help = "Number of days to analyze, up to now."),
};
static const struct field trends_days_fields[] = {
    FIELD(INT, days, .flags = FIELD_CAPPED, .max = INT64_MAX, .fallback = "30",
          .help = "Number of days to analyze, up to now."),
};

const struct shape usage_days_shape = SHAPE("UsageDays", NULL, usage_days_fields);
const struct shape trends_days_shape = SHAPE("TrendsDays", NULL, trends_days_fields);
#undef OF

struct usage {
    struct text lab_type;
    int64_t days, unique_users, total_events;
    struct kept_json event_distribution;
    double average_session_seconds;
};

#define OF struct usage
static const struct field usage_fields[] = {
    FIELD(TEXT, lab_type, .example = "\"filesystem\""),
    FIELD_NAMED(INT, "time_period_days", days, .example = "7"),
    FIELD(INT, unique_users, .example = "1"),
    FIELD(INT, total_events, .example = "2"),
    FIELD(OBJECT, event_distribution,
          .help = "Events by type: start, complete, then the most frequent first.",
          .example = "{\"start\":1,\"complete\":1}"),
    FIELD_NAMED(FLOAT, "average_session_time_seconds", average_session_seconds, .flags = FIELD_ZERO,
                .help = "From a start to the same user's next complete, for the sessions that began in the "
                        "period.",
                .example = "17.132421"),
};

const struct shape usage_shape = SHAPE("LabUsage", "Totals of the events of a lab type.", usage_fields);
#undef OF

struct lab_trend {
    struct text lab_type;
    int64_t total_events, unique_users, errors;
};

#define OF struct lab_trend
static const struct field lab_trend_fields[] = {
    FIELD(TEXT, lab_type, .example = "\"filesystem\""),
    FIELD(INT, total_events, .example = "2"),
    FIELD(INT, unique_users, .example = "1"),
    FIELD(INT, errors, .help = "Events of the type error.", .example = "0"),
};

static const struct shape lab_trend_shape =
    SHAPE("LabTrend", "Totals of the events of a lab type.", lab_trend_fields);
#undef OF

struct trends {
    int64_t days, total_events;
    struct rows lab_usage;
};

#define OF struct trends
static const struct field trends_fields[] = {
    FIELD_NAMED(INT, "time_period_days", days, .example = "30"),
    FIELD(INT, total_events, .example = "2"),
    FIELD(MAP, lab_usage, .of = &lab_trend_shape, .help = "By lab type, the busiest first."),
};

const struct shape trends_shape = SHAPE("Trends", "Totals of the platform.", trends_fields);
#undef OF

/* The events of one type; the totals of the lab type are repeated in every row. */
struct type_usage {
    struct text event_type;
    int64_t events, total_events, unique_users;
    double average_session_seconds;
};

struct fold {
    int64_t changes;
};

STATEMENT(usage_of_lab, REPORT, PARAMS(struct usage, lab_type, days),
          ROW(struct type_usage, event_type, events, total_events, unique_users, average_session_seconds));
STATEMENT(trends, REPORT, PARAMS(struct days, days),
          ROW(struct lab_trend, lab_type, total_events, unique_users, errors));
/* It writes, so it runs on the primary even if reports are read from a replica. */
STATEMENT(fold_usage, CHANGE, PARAMS(struct fold, changes), ROW(struct fold, changes));

void usage_fold(struct request *rq)
{
    const struct fold limit = {FOLD_CHANGES};
    struct fold folded = {FOLD_AGAIN};

    for (int i = 0; i < FOLD_RUNS && folded.changes >= FOLD_AGAIN; i++)
        if (query_row(rq, &fold_usage, &limit, &folded) != QUERY_ROW)
            return;
}

static struct text distribution(struct request *rq, const struct type_usage *rows, size_t count)
{
    struct writer w = writer_start(&rq->arena);

    for (size_t i = 0; i < count; i++) {
        write_char(&w, i ? ',' : '{');
        write_json_text(&w, rows[i].event_type.at ? rows[i].event_type : TEXT("null"));
        write_char(&w, ':');
        write_int(&w, rows[i].events);
    }
    write_char(&w, '}');
    return w.failed ? TEXT_NULL : (struct text){w.at, w.len};
}

enum reply usage_get_lab(struct request *rq)
{
    struct usage usage = {.lab_type = ((const struct lab_type_path *)rq->path)->lab_type,
                          .days = ((const struct days *)rq->query)->days};
    struct known_lab lab;
    struct rows rows;

    if (!lookup_require_lab(rq, usage.lab_type, &lab) ||
        query_rows(rq, &usage_of_lab, &usage, &rows) == QUERY_REPLIED)
        return REPLIED;
    if (!rows.count)
        return reply_error(rq, 404, "No usage data found for lab type");
    const struct type_usage *row = rows.items;
    usage.unique_users = row->unique_users;
    usage.total_events = row->total_events;
    usage.average_session_seconds = row->average_session_seconds;
    usage.event_distribution.bytes = distribution(rq, row, rows.count);
    return usage.event_distribution.bytes.at ? reply(rq, &usage_shape, &usage) : reply_unavailable(rq);
}

enum reply usage_get_trends(struct request *rq)
{
    const struct days *days = rq->query;
    struct trends answer = {.days = days->days};
    struct rows rows;

    if (query_rows(rq, &trends, days, &rows) == QUERY_REPLIED)
        return REPLIED;
    struct lab_trend *labs = rows.items;
    size_t named = 0;
    for (size_t i = 0; i < rows.count; i++) {
        answer.total_events += labs[i].total_events;
        if (labs[i].lab_type.at)
            labs[named++] = labs[i];
    }
    answer.lab_usage = (struct rows){labs, named};
    return reply(rq, &trends_shape, &answer);
}
