#include "user-progress/at_risk.h"

#include "common/auth/auth.h"
#include "common/http/request.h"
#include "common/items/page.h"
#include "common/pg/call.h"
#include "common/serve/query.h"
#include "common/shape/declare.h"
#include "user-progress/at_risk.sql.h"

#define LATEST ((int64_t)4 * 1000000 * 1000000 * 1000000) /* microseconds: no cursor has a later moment */

struct at_risk_query {
    int64_t inactive_days, failures, limit;
    int8_t never;
    struct text cursor;
};

#define OF struct at_risk_query
static const struct field at_risk_query_fields[] = {
    FIELD(INT, inactive_days, .min = 1, .max = 365, .fallback = "7",
          .help =
              "Days of 24 hours without an attempt, after which a user with an unfinished lab is listed."),
    FIELD(INT, failures, .min = 1, .max = 20, .fallback = "3",
          .help = "The last attempts in a lab type that must all have failed."),
    FIELD(BOOL, never, .fallback = "false",
          .help = "Instead: users without an attempt, created more than inactive_days ago."),
    PAGE_QUERY_FIELDS("The most users of a page."),
};
const struct shape at_risk_query_shape = SHAPE("AtRiskQuery", NULL, at_risk_query_fields);
#undef OF

/* For the OpenAPI document only: the database prints the reasons. */
struct reason {
    struct text reason, lab_type;
    int64_t failures_in_a_row, days;
    struct moment since;
    struct kept_json last_errors, unfinished;
};

#define OF struct reason
static const struct field reason_fields[] = {
    FIELD(TEXT, reason, .help = "failing, inactive or never.", .example = "\"failing\""),
    FIELD(TEXT, lab_type, .flags = FIELD_OPTIONAL, .help = "failing: where.", .example = "\"network\""),
    FIELD(INT, failures_in_a_row, .flags = FIELD_OPTIONAL,
          .help = "failing: attempts since the last one that completed the lab.", .example = "4"),
    FIELD(TIME_NAIVE, since, .flags = FIELD_OPTIONAL | FIELD_NULLABLE,
          .help = "failing: the first of them, UTC; null if it has no time.",
          .example = "\"2025-04-01T09:00:00\""),
    FIELD(KEPT_LIST, last_errors, .flags = FIELD_OPTIONAL,
          .help = "failing: the first 10 errors of the last attempt, 200 characters of each.",
          .example = "[\"no_route\"]"),
    FIELD(INT, days, .flags = FIELD_OPTIONAL | FIELD_NULLABLE,
          .help =
              "inactive: since the last attempt, null if no attempt has a time; never: since the user was "
              "created.",
          .example = "16"),
    FIELD(KEPT_LIST, unfinished, .flags = FIELD_OPTIONAL,
          .help = "inactive: lab types that were tried and never completed.", .example = "[\"network\"]"),
};
static const struct shape reason_shape =
    SHAPE("AtRiskReason", "Why a user is listed; the other members depend on `reason`.", reason_fields);
#undef OF

struct at_risk_user {
    struct text user_id, username;
    struct moment last_attempt;
    struct kept_json reasons;
    int64_t reason_count, failures, place_days; /* the place in the order */
};

#define OF struct at_risk_user
static const struct field at_risk_user_fields[] = {
    FIELD(TEXT, user_id, .example = "\"7be06c80-fbc6-4280-aed1-16f8749df77b\""),
    FIELD(TEXT, username, .flags = FIELD_NULLABLE, .example = "\"testuser1\""),
    FIELD(TIME_NAIVE, last_attempt, .flags = FIELD_NULLABLE,
          .help = "UTC; null if there is none with a time.", .example = "\"2025-04-02T10:11:12\""),
    FIELD(KEPT_LIST, reasons, .of = &reason_shape,
          .help = "The longest series of failures first, then by lab type; inactivity last.",
          .example = "[{\"reason\":\"failing\",\"lab_type\":\"network\",\"failures_in_a_row\":4,"
                     "\"since\":\"2025-04-01T09:00:00\",\"last_errors\":[\"no_route\"]},"
                     "{\"reason\":\"inactive\",\"days\":16,\"unfinished\":[\"network\"]}]"),
};
static const struct shape at_risk_user_shape =
    SHAPE("AtRiskUser", "A user and the reasons.", at_risk_user_fields);
#undef OF

/* For the OpenAPI document only. */
struct rule {
    int64_t inactive_days, failures;
    int8_t never;
};

#define OF struct rule
static const struct field rule_fields[] = {
    FIELD(INT, inactive_days, .example = "7"),
    FIELD(INT, failures, .flags = FIELD_OPTIONAL, .help = "Left out if never is true.", .example = "3"),
    FIELD(BOOL, never, .flags = FIELD_OPTIONAL, .help = "true, or left out."),
};
static const struct shape rule_shape = SHAPE("AtRiskRule", "By what users are listed.", rule_fields);
#undef OF

struct at_risk {
    struct kept_json rule;
    struct moment at;
    struct rows items;
    struct text next;
};

#define OF struct at_risk
static const struct field at_risk_fields[] = {
    FIELD(OBJECT, rule, .of = &rule_shape),
    FIELD(TIME_Z, at, .help = "The moment from which days are counted: that of the first page.",
          .example = "\"2025-04-19T08:30:38.538812Z\""),
    FIELD(LIST, items, .of = &at_risk_user_shape,
          .help = "The most reasons first, then the most failures in a row, then the most days, then by id."),
    PAGE_NEXT_FIELD("null"),
};
const struct shape at_risk_shape = SHAPE("AtRisk", "Users who may need a person.", at_risk_fields);
#undef OF

/* The key is the place of the last row of the page before, its reason_count null before the first page. */
struct at_risk_params {
    struct moment at;
    int64_t inactive_days, failures, after_reasons, after_failures, after_days, limit;
    struct text after_id;
};

STATEMENT(list_at_risk, REPORT,
          PARAMS(struct at_risk_params, at, inactive_days, failures, after_reasons, after_failures,
                 after_days, after_id, limit),
          ROW(struct at_risk_user, user_id, username, last_attempt, reasons, reason_count, failures,
              place_days));
STATEMENT(list_never, REPORT,
          PARAMS(struct at_risk_params, at, inactive_days, failures, after_reasons, after_failures,
                 after_days, after_id, limit),
          ROW(struct at_risk_user, user_id, username, last_attempt, reasons, reason_count, failures,
              place_days));

/* The rule as JSON; null if memory is exhausted. */
static struct kept_json rule_of(struct request *rq, const struct at_risk_query *query)
{
    char *json = query->never == 1
                     ? arena_printf(&rq->arena, "{\"inactive_days\":%lld,\"never\":true}",
                                    (long long)query->inactive_days)
                     : arena_printf(&rq->arena, "{\"inactive_days\":%lld,\"failures\":%lld}",
                                    (long long)query->inactive_days, (long long)query->failures);

    return (struct kept_json){text_of(json)};
}

/* Reads after which user the page begins, and the moment of the first page; false: the reply is 422. */
static bool read_place(struct request *rq, const struct at_risk_query *query, uint64_t hash,
                       struct at_risk_params *params)
{
    struct key key;

    if (!query->cursor.at)
        return true;
    if (!page_read_key(rq, query->cursor, hash, &key))
        return false;
    if (key.numbers[0] < 0 || key.numbers[0] > LATEST)
        return page_take_cursor(rq, query->cursor, CURSOR_NONE);
    params->at.us = key.numbers[0];
    params->after_reasons = key.numbers[1];
    params->after_failures = key.numbers[2];
    params->after_days = key.numbers[3];
    params->after_id = key.text;
    return true;
}

/* Removes the row that only shows that a page follows, and says where that begins; false: the reply is 503.
 */
static bool end_page(struct request *rq, const struct call *call, const struct at_risk_params *params,
                     uint64_t hash, struct at_risk *answer)
{
    size_t limit = (size_t)params->limit - 1;

    answer->items = (struct rows){call->rows, call->count > limit ? limit : call->count};
    if (!answer->items.count || (call->count <= limit && !call->cut))
        return true;
    const struct at_risk_user *last = (const struct at_risk_user *)call->rows + answer->items.count - 1;
    const struct key key = {{params->at.us, last->reason_count, last->failures, last->place_days},
                            last->user_id};
    return page_set_next(rq, hash, &key, &answer->next);
}

enum reply at_risk_list(struct request *rq)
{
    const struct at_risk_query *query = rq->query;
    struct at_risk answer = {.rule = rule_of(rq, query)};
    uint64_t hash = cursor_hash(&answer.rule.bytes, 1);
    struct at_risk_params params = {.at = clock_of_day(),
                                    .inactive_days = query->inactive_days,
                                    .failures = query->failures,
                                    .after_reasons = INT_NULL,
                                    .after_failures = INT_NULL,
                                    .after_days = INT_NULL,
                                    .limit = query->limit + 1};
    struct call call = {.statement = query->never == 1 ? &list_never : &list_at_risk,
                        .params = &params,
                        .bytes_most = PAGE_ROWS_BYTES};

    if (!auth_require_user(rq, TEXT_NULL) || !read_place(rq, query, hash, &params))
        return REPLIED;
    if (!answer.rule.bytes.at)
        return reply_unavailable(rq);
    answer.at = params.at;
    if (query_call(rq, &call) == QUERY_REPLIED || !end_page(rq, &call, &params, hash, &answer))
        return REPLIED;
    return reply(rq, &at_risk_shape, &answer);
}
