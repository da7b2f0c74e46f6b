#include "usage-analytics/timeline.h"

#include "common/auth/auth.h"
#include "common/http/request.h"
#include "common/items/parameter.h"
#include "common/reports/span.h"
#include "common/serve/query.h"
#include "common/shape/declare.h"
#include "directory/directory.h"
#include "usage-analytics/timeline.sql.h"

#define CELLS_MOST 20000 /* intervals times lab types */
#define BACK       29    /* intervals before that of the end, without `from` */
#define BACK_HOURS 47

struct timeline_query {
    struct text from, to, zone, interval;
};

#define OF struct timeline_query
static const struct field timeline_query_fields[] = {
    RANGE_FIELDS,
    FIELD(TEXT, interval, .choices = zone_intervals, .fallback = "\"day\"",
          .help = "By the clocks of the zone."),
};
const struct shape timeline_query_shape = SHAPE("UserTimelineQuery", NULL, timeline_query_fields);
#undef OF

struct timeline_params {
    struct text user_id;
    struct moments edges;
};

struct timeline_row {
    int8_t of_lab;
    struct text lab_type;
    int64_t bucket, events, sessions;
    struct moment first_seen, last_seen;
};

STATEMENT(user_timeline, REPORT, PARAMS(struct timeline_params, user_id, edges),
          ROW(struct timeline_row, of_lab, lab_type, bucket, events, sessions, first_seen, last_seen));

/* What happened in one lab type, or all together. */
struct timeline_group {
    struct text lab_type;
    struct ints events, sessions;
    struct moment first_seen, last_seen;
};

#define OF struct timeline_group
static const struct field timeline_group_fields[] = {
    FIELD(TEXT, lab_type, .example = "\"filesystem\""),
    FIELD(INTS, events, .help = "In each interval.", .example = "[12,0,7]"),
    FIELD(INTS, sessions, .help = "That started in the interval and were ended by a complete.",
          .example = "[2,0,1]"),
    FIELD(TIME_Z, first_seen, .flags = FIELD_NULLABLE, .help = "The first event of the range.",
          .example = "\"2025-04-17T08:39:43.599397Z\""),
    FIELD(TIME_Z, last_seen, .flags = FIELD_NULLABLE, .help = "The last event of the range.",
          .example = "\"2025-04-19T08:41:07.220114Z\""),
};
static const struct shape timeline_lab_shape =
    SHAPE("UserTimelineLab", "What a user did in a lab type.", timeline_group_fields);
static const struct shape timeline_total_shape = {.name = "UserTimelineTotal",
                                                  .help = "What a user did.",
                                                  .size = sizeof(OF),
                                                  .fields = timeline_group_fields + 1,
                                                  .count = COUNT(timeline_group_fields) - 1};
#undef OF

struct timeline {
    struct text user_id, interval;
    struct span span;
    struct rows labs;
    struct kept_json total;
};

#define OF struct timeline
static const struct field timeline_fields[] = {
    FIELD(TEXT, user_id, .example = "\"269b9e2e-e021-4316-8a59-9a79ff19d828\""),
    FIELD(TEXT, interval, .example = "\"day\""),
    SPAN_FIELDS(span, 0),
    SPAN_STARTS_FIELDS(span),
    FIELD(LIST, labs, .of = &timeline_lab_shape, .help = "By the names of the lab types."),
    FIELD(OBJECT, total, .of = &timeline_total_shape,
          .help = "Everything; events without a lab type are here only."),
};
const struct shape timeline_shape = SHAPE("UserTimeline", "What a user did over time.", timeline_fields);
#undef OF

static bool open_group(struct arena *arena, size_t intervals, struct timeline_group *group)
{
    group->events = (struct ints){arena_zalloc(arena, (intervals + 1) * sizeof(int64_t)), intervals};
    group->sessions = (struct ints){arena_zalloc(arena, (intervals + 1) * sizeof(int64_t)), intervals};
    group->first_seen = group->last_seen = MOMENT_NULL;
    return group->events.items && group->sessions.items;
}

static void take_row(const struct timeline_row *row, struct timeline_group *group)
{
    size_t at = (size_t)row->bucket - 1;

    group->events.items[at] = row->events;
    group->sessions.items[at] = row->sessions;
    if (moment_is_null(group->first_seen))
        group->first_seen = row->first_seen;
    group->last_seen = row->last_seen;
}

static bool begins_group(const struct timeline_row *rows, size_t i)
{
    return !i || rows[i].of_lab != rows[i - 1].of_lab || !text_equal(rows[i].lab_type, rows[i - 1].lab_type);
}

/* The groups in the order of the rows, after the total. NULL when memory is exhausted. */
static struct timeline_group *gather(struct arena *arena, struct rows rows, size_t groups, size_t intervals)
{
    const struct timeline_row *row = rows.items;
    struct timeline_group *all = arena_zalloc(arena, (groups + 1) * sizeof(*all)), *group = all;

    for (size_t i = 0; all && i <= groups; i++)
        if (!open_group(arena, intervals, &all[i]))
            return NULL;
    for (size_t i = 0; all && i < rows.count; i++) {
        if (row[i].of_lab && begins_group(row, i))
            (++group)->lab_type = row[i].lab_type;
        take_row(&row[i], group);
    }
    return all;
}

static enum reply answer(struct request *rq, struct rows rows, struct timeline *timeline)
{
    const struct timeline_row *row = rows.items;
    size_t groups = 0, intervals = timeline->span.count;
    struct writer total = writer_start(&rq->arena);

    for (size_t i = 0; i < rows.count; i++)
        groups += row[i].of_lab && begins_group(row, i);
    if ((groups + 1) * intervals > CELLS_MOST)
        return reply_bad_parameter(rq, "interval", timeline->interval, "too many intervals");
    struct timeline_group *all = gather(&rq->arena, rows, groups, intervals);
    if (!all)
        return reply_unavailable(rq);
    shape_write(&total, &timeline_total_shape, all);
    if (total.failed)
        return reply_unavailable(rq);
    timeline->total.bytes = (struct text){total.at, total.len};
    timeline->labs = (struct rows){all + 1, groups};
    return reply(rq, &timeline_shape, timeline);
}

enum reply timeline_get(struct request *rq)
{
    const struct timeline_query *query = rq->query;
    bool hours = text_equal(query->interval, TEXT("hour"));
    const struct span_rules rules = {.interval = query->interval, .back = hours ? BACK_HOURS : BACK};
    struct timeline timeline = {.user_id = ((const struct user_path *)rq->path)->user_id,
                                .interval = query->interval};
    struct rows rows;

    if (!auth_require_user(rq, timeline.user_id) ||
        !span_read(rq, &(struct range_text){query->from, query->to, query->zone}, &rules, &timeline.span))
        return REPLIED;
    const struct timeline_params params = {timeline.user_id, timeline.span.edges};
    if (query_rows(rq, &user_timeline, &params, &rows) == QUERY_REPLIED)
        return REPLIED;
    return answer(rq, rows, &timeline);
}
