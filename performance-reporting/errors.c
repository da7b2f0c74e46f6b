#include "performance-reporting/errors.h"

#include "common/auth/auth.h"
#include "common/http/request.h"
#include "common/reports/span.h"
#include "common/serve/query.h"
#include "common/shape/declare.h"
#include "directory/directory.h"
#include "directory/lookup.h"
#include "performance-reporting/errors.sql.h"

struct errors_query {
    struct text from, to, zone;
    int64_t limit;
};

#define OF struct errors_query
static const struct field errors_query_fields[] = {
    RANGE_FIELDS,
    FIELD(INT, limit, .min = 1, .max = 1000, .fallback = "100", .help = "The most errors of the answer."),
};
const struct shape errors_query_shape = SHAPE("ErrorsQuery", NULL, errors_query_fields);
#undef OF

struct error {
    int64_t all_attempts, attempts_with_errors, more; /* of the lab type, the same in every row */
    struct text error;                                /* null: there are none */
    int64_t occurrences, attempts, users;
    double share, success_rate;
    struct moment first_seen, last_seen;
};

#define OF struct error
static const struct field error_fields[] = {
    FIELD(TEXT, error, .example = "\"permission_denied\""),
    FIELD(INT, occurrences, .help = "All of them, those in the same record too.", .example = "93"),
    FIELD(INT, attempts, .help = "Records that have it.", .example = "71"),
    FIELD(INT, users, .example = "40"),
    FIELD(FLOAT, share, .help = "Of all attempts, from 0 to 1.", .example = "0.14791666666666667"),
    FIELD(FLOAT, success_rate, .help = "Of the attempts that have it.", .example = "0.55"),
    FIELD(TIME_Z, first_seen, .flags = FIELD_NULLABLE, .example = "\"2025-04-19T08:38:25.379893Z\""),
    FIELD(TIME_Z, last_seen, .flags = FIELD_NULLABLE, .example = "\"2025-04-19T08:38:25.379893Z\""),
};
static const struct shape error_shape = SHAPE("LabError", "How often an error occurred.", error_fields);
#undef OF

struct errors {
    struct text lab_type, lab_name;
    struct span span;
    int64_t attempts, attempts_with_errors, more;
    struct rows errors;
};

#define OF struct errors
static const struct field errors_fields[] = {
    FIELD(TEXT, lab_type, .example = "\"filesystem\""),
    FIELD(TEXT, lab_name, .flags = FIELD_NULLABLE, .help = "Name of the oldest lab of the type.",
          .example = "\"Filesystem Lab\""),
    SPAN_FIELDS(span, FIELD_NULLABLE),
    FIELD(INT, attempts, .example = "480"),
    FIELD(INT, attempts_with_errors, .example = "171"),
    FIELD(LIST, errors, .of = &error_shape,
          .help = "The most frequent first; equally frequent ones by their first occurrence."),
    FIELD(INT, more, .help = "How many errors are not listed.", .example = "3"),
};
const struct shape errors_shape = SHAPE("LabErrors", "Errors of a lab type.", errors_fields);
#undef OF

struct errors_params {
    struct text lab_type;
    struct moment from, to;
    int64_t limit;
};

STATEMENT(errors_of_lab, REPORT, .planned_anew = true,
          PARAMS(struct errors_params, lab_type, from, to, limit),
          ROW(struct error, all_attempts, attempts_with_errors, more, error, occurrences, attempts, users,
              share, success_rate, first_seen, last_seen));

enum reply errors_show(struct request *rq)
{
    static const struct span_rules rules = {.history = true};
    const struct lab_type_path *path = rq->path;
    const struct errors_query *query = rq->query;
    struct errors errors = {.lab_type = path->lab_type};
    struct known_lab lab;
    struct rows rows;

    if (!auth_require_all_users(rq) ||
        !span_read(rq, &(struct range_text){query->from, query->to, query->zone}, &rules, &errors.span) ||
        !lookup_require_lab(rq, path->lab_type, &lab))
        return REPLIED;
    errors.lab_name = lab.name;
    const struct errors_params params = {path->lab_type, errors.span.from, errors.span.to, query->limit};
    switch (query_rows(rq, &errors_of_lab, &params, &rows)) {
    case QUERY_ROW:
        break;
    case QUERY_REPLIED:
        return REPLIED;
    default:
        return reply_unavailable(rq);
    }
    const struct error *first = rows.items;
    errors.attempts = first->all_attempts;
    errors.attempts_with_errors = first->attempts_with_errors;
    errors.more = first->more;
    errors.errors = first->error.at ? rows : (struct rows){NULL, 0};
    return reply(rq, &errors_shape, &errors);
}
