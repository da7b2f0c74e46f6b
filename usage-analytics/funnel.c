#include "usage-analytics/funnel.h"

#include <math.h>

#include "common/auth/auth.h"
#include "common/http/request.h"
#include "common/items/parameter.h"
#include "common/reports/series.h"
#include "common/serve/query.h"
#include "common/shape/declare.h"
#include "usage-analytics/funnel.sql.h"

#define BACK      30 /* days before the end, without `from` */
#define DAYS_MOST 400

struct funnel_query {
    struct text from, to, zone, lab_type, by;
    int64_t within;
};

#define OF struct funnel_query
static const struct field funnel_query_fields[] = {
    RANGE_FIELDS,
    FIELD(INT, within, .min = 1, .max = 2592000, .fallback = "86400",
          .help = "Seconds in which a session has to end to count as completed."),
    FIELD(TEXT, lab_type, .help = "Only what is of this lab type."),
    FIELD(TEXT, by, .choices = series_by, .fallback = "\"none\"", .help = "A funnel for each of these."),
};
const struct shape funnel_query_shape = SHAPE("FunnelQuery", NULL, funnel_query_fields);
#undef OF

struct funnel_params {
    struct text lab_type;
    struct moment from, to, now;
    int64_t within;
};

/* A row, and a group of the answer. */
struct funnel_group {
    int8_t of_lab;
    struct text lab_type;
    int64_t started, completed, late, open, dropped, users_started, users_completed;
    double completion_rate, p50, p90, p95, average;
    struct kept_json time;
};

STATEMENT(started_sessions, REPORT, PARAMS(struct funnel_params, lab_type, from, to, now, within),
          ROW(struct funnel_group, of_lab, lab_type, started, completed, late, open, users_started,
              users_completed, p50, p90, p95, average));

#define OF struct funnel_group
static const struct field funnel_time_fields[] = {
    FIELD(FLOAT, p50, .flags = FIELD_NULLABLE, .help = "Half of the sessions took at most that long.",
          .example = "290.0"),
    FIELD(FLOAT, p90, .flags = FIELD_NULLABLE, .example = "910.0"),
    FIELD(FLOAT, p95, .flags = FIELD_NULLABLE, .example = "1500.0"),
    FIELD(FLOAT, average, .flags = FIELD_ZERO, .example = "402.7"),
};
static const struct shape funnel_time_shape =
    SHAPE("FunnelTime", "Seconds that sessions took.", funnel_time_fields);

static const struct field funnel_group_fields[] = {
    FIELD(TEXT, lab_type, .flags = FIELD_NULLABLE, .help = "Null: all of them.", .example = "\"filesystem\""),
    FIELD(INT, started, .example = "400"),
    FIELD(INT, completed, .help = "The session ended within the given seconds.", .example = "310"),
    FIELD(INT, late, .help = "It ended later.", .example = "12"),
    FIELD(INT, open, .help = "It did not end yet, and still can within them.", .example = "8"),
    FIELD(INT, dropped, .help = "All others.", .example = "70"),
    FIELD(FLOAT, completion_rate, .flags = FIELD_ZERO, .help = "Completed, of those that are not open.",
          .example = "0.7908163265306123"),
    FIELD(INT, users_started, .example = "120"),
    FIELD(INT, users_completed, .example = "104"),
    FIELD(OBJECT, time, .of = &funnel_time_shape, .help = "Of the completed ones."),
};
static const struct shape funnel_lab_shape =
    SHAPE("FunnelLab", "What became of the starts in a lab type.", funnel_group_fields);
static const struct shape funnel_total_shape = {.name = "FunnelTotal",
                                                .help = "What became of the starts.",
                                                .size = sizeof(OF),
                                                .fields = funnel_group_fields + 1,
                                                .count = COUNT(funnel_group_fields) - 1};
#undef OF

struct funnel {
    struct span span;
    int64_t within;
    struct rows labs;
    struct kept_json total;
};

#define OF struct funnel
static const struct field funnel_fields[] = {
    SPAN_FIELDS(span, 0),
    FIELD(INT, within, .example = "86400"),
    FIELD(LIST, labs, .of = &funnel_lab_shape,
          .help = "The lab types with most starts first; with `by=none` one that has all of them. Empty if "
                  "nothing was started."),
    FIELD(OBJECT, total, .of = &funnel_total_shape, .help = "All starts, also those without a lab type."),
};
const struct shape funnel_shape = SHAPE("Funnel", "What became of sessions.", funnel_fields);
#undef OF

/* What follows from the columns. False: memory is exhausted. */
static bool complete(struct arena *arena, struct funnel_group *group)
{
    struct writer time = writer_start(arena);
    int64_t over = group->started - group->open;

    group->dropped = over - group->completed - group->late;
    group->completion_rate = over ? (double)group->completed / (double)over : NAN;
    shape_write(&time, &funnel_time_shape, group);
    group->time.bytes = (struct text){time.at, time.len};
    return !time.failed;
}

static enum reply answer(struct request *rq, struct rows rows, struct funnel *funnel)
{
    const struct funnel_query *query = rq->query;
    struct funnel_group *groups = rows.items;
    struct writer total = writer_start(&rq->arena);

    for (size_t i = 0; i < rows.count; i++)
        if (!complete(&rq->arena, &groups[i]))
            return reply_unavailable(rq);
    shape_write(&total, &funnel_total_shape, groups);
    if (total.failed)
        return reply_unavailable(rq);
    funnel->total.bytes = (struct text){total.at, total.len};
    if (text_equal(query->by, TEXT("none"))) {
        groups[0].lab_type = query->lab_type;
        funnel->labs = (struct rows){groups, groups[0].started > 0};
    } else {
        funnel->labs = (struct rows){groups + 1, rows.count - 1};
    }
    return reply(rq, &funnel_shape, funnel);
}

enum reply funnel_get(struct request *rq)
{
    static const struct span_rules rules = {.back = BACK};
    const struct funnel_query *query = rq->query;
    struct funnel funnel = {.within = query->within};
    struct rows rows;

    if (!auth_require_all_users(rq) ||
        !span_read(rq, &(struct range_text){query->from, query->to, query->zone}, &rules, &funnel.span))
        return REPLIED;
    if (funnel.span.local_us > DAYS_MOST * MOMENT_DAY)
        return reply_bad_parameter(rq, "from", query->from, "more than 400 days");
    const struct funnel_params params = {query->lab_type, funnel.span.from, funnel.span.to, funnel.span.now,
                                         query->within};
    switch (query_rows(rq, &started_sessions, &params, &rows)) {
    case QUERY_REPLIED:
        return REPLIED;
    case QUERY_ROW:
        return answer(rq, rows, &funnel);
    default:
        return reply_unavailable(rq);
    }
}
