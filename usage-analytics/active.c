#include "usage-analytics/active.h"

#include "common/auth/auth.h"
#include "common/http/request.h"
#include "common/reports/span.h"
#include "common/serve/query.h"
#include "common/shape/declare.h"
#include "usage-analytics/active.sql.h"

#define BEFORE INT64_C(29) /* days before the first one, which are part of the 30 days that it ends */

struct active_query {
    struct text zone, lab_type;
    int64_t days;
};

#define OF struct active_query
static const struct field active_query_fields[] = {
    FIELD(INT, days, .min = 1, .max = 400, .fallback = "30", .help = "The last days, with that of today.",
          .example = "90"),
    FIELD(TEXT, zone, .fallback = "\"UTC\"", .help = "The time zone of days, by its IANA name.",
          .example = "\"Europe/Berlin\""),
    FIELD(TEXT, lab_type, .help = "Only what is of this lab type."),
};
const struct shape active_query_shape = SHAPE("ActiveUsersQuery", NULL, active_query_fields);
#undef OF

struct active_params {
    struct text lab_type;
    struct moments edges;
    int64_t before;
};

/* Of a day. */
struct active_row {
    int64_t active, new, active_7_days, active_30_days;
    int64_t active_1, active_7, active_30, new_30;
};

STATEMENT(active_users, REPORT, PARAMS(struct active_params, lab_type, edges, before),
          ROW(struct active_row, active, new, active_7_days, active_30_days, active_1, active_7, active_30,
              new_30));

struct active {
    struct moment at;
    struct text lab_type;
    int64_t active_1, active_7, active_30, new_30, returning_30;
    struct span span;
    struct ints active, new, active_7_days, active_30_days;
};

#define OF struct active
static const struct field active_fields[] = {
    FIELD(TIME_Z, at, .help = "The moment at which all of it holds.",
          .example = "\"2025-04-19T08:39:43.599397Z\""),
    FIELD(TEXT, lab_type, .flags = FIELD_NULLABLE, .help = "Null: all of them.", .example = "null"),
    FIELD(INT, active_1, .help = "Users who were active in the last 24 hours.", .example = "41"),
    FIELD(INT, active_7, .help = "In the last 7 times 24 hours.", .example = "118"),
    FIELD(INT, active_30, .help = "In the last 30 times 24 hours.", .example = "260"),
    FIELD(INT, new_30, .help = "Of these, those who were new in that time.", .example = "35"),
    FIELD(INT, returning_30, .help = "Of these, all others.", .example = "225"),
    FIELD_NAMED(TEXT, "zone", span.zone, .example = "\"Europe/Berlin\""),
    FIELD_NAMED(TEXTS, "starts", span.starts,
                .help = "When each day begins. It ends where the next one begins.",
                .example = "[\"2025-04-18T00:00:00+02:00\",\"2025-04-19T00:00:00+02:00\"]"),
    FIELD_NAMED(INTS, "partial", span.partial, .help = "The places, from 0, of the days that are not over.",
                .example = "[1]"),
    FIELD(INTS, active, .help = "Users who were active on the day.", .example = "[37,21]"),
    FIELD(INTS, new, .help = "Users who were new on the day.", .example = "[2,0]"),
    FIELD(INTS, active_7_days, .help = "Users who were active on the day or the 6 before it.",
          .example = "[101,98]"),
    FIELD(INTS, active_30_days, .help = "Users who were active on the day or the 29 before it.",
          .example = "[240,239]"),
};
const struct shape active_shape = SHAPE("ActiveUsers", "Active users, now and by day.", active_fields);
#undef OF

/* Removes the days before the first one. */
static void show_last(struct span *span, size_t days)
{
    size_t before = span->count - days, kept = 0;

    span->starts.items += before;
    span->starts.count = days;
    for (size_t i = 0; i < span->partial.count; i++)
        if (span->partial.items[i] >= (int64_t)before)
            span->partial.items[kept++] = span->partial.items[i] - (int64_t)before;
    span->partial.count = kept;
}

/* Turns the rows into lists. False: memory is exhausted. */
static bool take_rows(struct arena *arena, struct rows rows, struct active *answer)
{
    struct ints *lists[] = {&answer->active, &answer->new, &answer->active_7_days, &answer->active_30_days};
    const struct active_row *row = rows.items;

    for (size_t i = 0; i < COUNT(lists); i++) {
        *lists[i] = (struct ints){arena_alloc(arena, rows.count * sizeof(int64_t)), rows.count};
        if (!lists[i]->items)
            return false;
    }
    answer->active_1 = row->active_1;
    answer->active_7 = row->active_7;
    answer->active_30 = row->active_30;
    answer->new_30 = row->new_30;
    answer->returning_30 = row->active_30 - row->new_30;
    for (size_t i = 0; i < rows.count; i++, row++) {
        answer->active.items[i] = row->active;
        answer->new.items[i] = row->new;
        answer->active_7_days.items[i] = row->active_7_days;
        answer->active_30_days.items[i] = row->active_30_days;
    }
    return true;
}

enum reply active_get(struct request *rq)
{
    const struct active_query *query = rq->query;
    const struct span_rules rules = {.interval = TEXT("day"), .back = BEFORE + query->days - 1};
    struct active answer = {.lab_type = query->lab_type};
    struct rows rows;

    if (!auth_require_all_users(rq) ||
        !span_read(rq, &(struct range_text){.zone = query->zone}, &rules, &answer.span))
        return REPLIED;
    const struct active_params params = {query->lab_type, answer.span.edges, BEFORE};
    switch (query_rows(rq, &active_users, &params, &rows)) {
    case QUERY_REPLIED:
        return REPLIED;
    case QUERY_ROW:
        break;
    default:
        return reply_unavailable(rq);
    }
    answer.at = answer.span.to;
    show_last(&answer.span, rows.count);
    return take_rows(&rq->arena, rows, &answer) ? reply(rq, &active_shape, &answer) : reply_unavailable(rq);
}
