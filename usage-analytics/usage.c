#include "usage-analytics/usage.h"

#include "common/base/declare.h"
#include "common/http/request.h"
#include "common/serve/query.h"
#include "directory/directory.h"
#include "directory/lookup.h"

#define FOLD_CHANGES 4000 /* that one run takes in at the most: some 100 ms */
#define FOLD_AGAIN   1000 /* taken in means that more may wait */
#define FOLD_RUNS    8    /* in a row */

struct days {
    int64_t days;
};

/* Beyond 36500 days it is the whole history: any number of digits is good. */
static const struct field usage_days_fields[] = {{.name = "days",
                                                  .type = FIELD_INT,
                                                  .at = offsetof(struct days, days),
                                                  .min = 0,
                                                  .max = INT64_MAX,
                                                  .fallback = "7",
                                                  .help = "Number of days to analyze, until now."}};
static const struct field trends_days_fields[] = {{.name = "days",
                                                   .type = FIELD_INT,
                                                   .at = offsetof(struct days, days),
                                                   .min = 0,
                                                   .max = INT64_MAX,
                                                   .fallback = "30",
                                                   .help = "Number of days to analyze, until now."}};

const struct shape usage_days_shape = {"UsageDays", NULL, sizeof(struct days), usage_days_fields, 1};
const struct shape trends_days_shape = {"TrendsDays", NULL, sizeof(struct days), trends_days_fields, 1};

struct usage {
    struct text lab_type;
    int64_t days, unique_users, total_events;
    struct kept_json event_distribution;
    double average_session_seconds;
};

static const struct field usage_fields[] = {
    {.name = "lab_type",
     .type = FIELD_TEXT,
     .at = offsetof(struct usage, lab_type),
     .example = "\"filesystem\""},
    {.name = "time_period_days",
     .type = FIELD_INT,
     .at = offsetof(struct usage, days),
     .min = 0,
     .max = INT64_MAX,
     .example = "7"},
    {.name = "unique_users", .type = FIELD_INT, .at = offsetof(struct usage, unique_users), .example = "1"},
    {.name = "total_events", .type = FIELD_INT, .at = offsetof(struct usage, total_events), .example = "2"},
    {.name = "event_distribution",
     .type = FIELD_OBJECT,
     .at = offsetof(struct usage, event_distribution),
     .help = "Events by type: start, complete, then the most frequent first.",
     .example = "{\"start\":1,\"complete\":1}"},
    {.name = "average_session_time_seconds",
     .type = FIELD_FLOAT,
     .flags = FIELD_ZERO,
     .at = offsetof(struct usage, average_session_seconds),
     .help = "From a start to the same user's next complete, of the sessions that began in the period.",
     .example = "17.132421"},
};

const struct shape usage_shape = {"LabUsage", "What the events of a lab type add up to.",
                                  sizeof(struct usage), usage_fields, COUNT(usage_fields)};

struct lab_trend {
    struct text lab_type;
    int64_t total_events, unique_users, errors;
};

static const struct field lab_trend_fields[] = {
    {.name = "lab_type",
     .type = FIELD_TEXT,
     .at = offsetof(struct lab_trend, lab_type),
     .example = "\"filesystem\""},
    {.name = "total_events",
     .type = FIELD_INT,
     .at = offsetof(struct lab_trend, total_events),
     .example = "2"},
    {.name = "unique_users",
     .type = FIELD_INT,
     .at = offsetof(struct lab_trend, unique_users),
     .example = "1"},
    {.name = "errors",
     .type = FIELD_INT,
     .at = offsetof(struct lab_trend, errors),
     .help = "Events of the type error.",
     .example = "0"},
};

static const struct shape lab_trend_shape = {"LabTrend", "What the events of a lab type add up to.",
                                             sizeof(struct lab_trend), lab_trend_fields,
                                             COUNT(lab_trend_fields)};

struct trends {
    int64_t days, total_events;
    struct rows lab_usage;
};

static const struct field trends_fields[] = {
    {.name = "time_period_days",
     .type = FIELD_INT,
     .at = offsetof(struct trends, days),
     .min = 0,
     .max = INT64_MAX,
     .example = "30"},
    {.name = "total_events", .type = FIELD_INT, .at = offsetof(struct trends, total_events), .example = "2"},
    {.name = "lab_usage",
     .type = FIELD_MAP,
     .at = offsetof(struct trends, lab_usage),
     .of = &lab_trend_shape,
     .help = "By lab type, the busiest first."},
};

const struct shape trends_shape = {"Trends", "What is going on on the platform.", sizeof(struct trends),
                                   trends_fields, COUNT(trends_fields)};

struct usage_in {
    struct text lab_type;
    int64_t days;
};

/* A row an event type; the lab type's own figures stand in every row. */
struct usage_row {
    struct text event_type;
    int64_t events, total_events, unique_users;
    double average_session_seconds;
};

static const struct statement sum_usage = {
    .name = "usage_of_lab",
    .sql = "SELECT e.event_type, e.events, (sum(e.events) OVER ())::bigint, coalesce(u.users, 0),"
           " CASE WHEN s.sessions > 0 THEN (s.session_us / 1000000)::float8 / s.sessions END"
           " FROM usage_events_since(ARRAY[$1::text], usage_days_ago($2)) AS e"
           " LEFT JOIN usage_users_since(ARRAY[$1::text], usage_days_ago($2)) AS u ON true"
           " LEFT JOIN usage_sessions_since(ARRAY[$1::text], usage_days_ago($2)) AS s ON true"
           " ORDER BY e.event_type <> 'start', e.event_type <> 'complete', e.events DESC, e.event_type "
           "COLLATE \"C\"",
    .kind = STATEMENT_REPORT,
    .params = (const struct column[]){{COLUMN_TEXT, offsetof(struct usage_in, lab_type)},
                                      {COLUMN_INT, offsetof(struct usage_in, days)}},
    .param_count = 2,
    .row = (const struct column[]){{COLUMN_TEXT, offsetof(struct usage_row, event_type)},
                                   {COLUMN_INT, offsetof(struct usage_row, events)},
                                   {COLUMN_INT, offsetof(struct usage_row, total_events)},
                                   {COLUMN_INT, offsetof(struct usage_row, unique_users)},
                                   {COLUMN_FLOAT, offsetof(struct usage_row, average_session_seconds)}},
    .column_count = 5,
    .row_size = sizeof(struct usage_row),
};

/* A row whose lab type is null has the events of none: they belong to the total alone. */
static const struct statement sum_trends = {
    .name = "trends",
    .sql = "SELECT e.lab_type COLLATE \"C\" AS lab_type, e.events, coalesce(u.users, 0), e.errors"
           " FROM (SELECT lab_type, sum(events)::bigint AS events,"
           " coalesce(sum(events) FILTER (WHERE event_type = 'error'), 0)::bigint AS errors"
           " FROM usage_events_since(usage_labs(), usage_days_ago($1)) GROUP BY lab_type) AS e"
           " LEFT JOIN usage_users_since(usage_labs(), usage_days_ago($1)) AS u ON u.lab_type = e.lab_type"
           " UNION ALL"
           " SELECT NULL, count(*), count(DISTINCT user_id), count(*) FILTER (WHERE event_type = 'error')"
           " FROM usage_events WHERE lab_type IS NULL"
           " AND (timestamp >= usage_days_ago($1) OR $1 > 36500 AND timestamp IS NULL) HAVING count(*) > 0"
           " ORDER BY 2 DESC, 1",
    .kind = STATEMENT_REPORT,
    .params = (const struct column[]){{COLUMN_INT, offsetof(struct days, days)}},
    .param_count = 1,
    .row = (const struct column[]){{COLUMN_TEXT, offsetof(struct lab_trend, lab_type)},
                                   {COLUMN_INT, offsetof(struct lab_trend, total_events)},
                                   {COLUMN_INT, offsetof(struct lab_trend, unique_users)},
                                   {COLUMN_INT, offsetof(struct lab_trend, errors)}},
    .column_count = 4,
    .row_size = sizeof(struct lab_trend),
};

struct fold {
    int64_t changes;
};

/* Answers how many changes were taken in; null when another daemon is at it. It writes: reports may be read
 * elsewhere. */
static const struct statement fold_changes = {
    .name = "fold_usage",
    .sql = "SELECT usage_fold($1::integer)",
    .kind = STATEMENT_CHANGE,
    .params = (const struct column[]){{COLUMN_INT, offsetof(struct fold, changes)}},
    .param_count = 1,
    .row = (const struct column[]){{COLUMN_INT, offsetof(struct fold, changes)}},
    .column_count = 1,
    .row_size = sizeof(struct fold),
};

void usage_fold(struct request *rq)
{
    const struct fold limit = {FOLD_CHANGES};
    struct fold folded = {FOLD_AGAIN};

    for (int i = 0; i < FOLD_RUNS && folded.changes >= FOLD_AGAIN; i++)
        if (query_row(rq, &fold_changes, &limit, &folded) != QUERY_ROW)
            return;
}

static struct text distribution(struct request *rq, const struct usage_row *rows, size_t count)
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

enum reply usage_of_lab(struct request *rq)
{
    const struct key *key = rq->path;
    const struct usage_in in = {key->value, ((const struct days *)rq->query)->days};
    struct known_lab lab;
    struct rows rows;

    if (!lookup_require_lab(rq, key->value, &lab) || query_rows(rq, &sum_usage, &in, &rows) == QUERY_REPLIED)
        return REPLIED;
    const struct usage_row *row = rows.items;
    if (!rows.count)
        return reply_error(rq, 404, "No usage data found for lab type");
    struct usage usage = {.lab_type = key->value,
                          .days = in.days,
                          .unique_users = row->unique_users,
                          .total_events = row->total_events,
                          .event_distribution = {distribution(rq, row, rows.count)},
                          .average_session_seconds = row->average_session_seconds};
    return usage.event_distribution.bytes.at ? reply(rq, &usage_shape, &usage) : reply_unavailable(rq);
}

enum reply usage_trends(struct request *rq)
{
    const struct days *days = rq->query;
    struct trends trends = {.days = days->days};
    struct rows rows;

    if (query_rows(rq, &sum_trends, days, &rows) == QUERY_REPLIED)
        return REPLIED;
    struct lab_trend *labs = rows.items;
    size_t named = 0;
    for (size_t i = 0; i < rows.count; i++) {
        trends.total_events += labs[i].total_events;
        if (labs[i].lab_type.at)
            labs[named++] = labs[i];
    }
    trends.lab_usage = (struct rows){labs, named};
    return reply(rq, &trends_shape, &trends);
}
