#include "performance-reporting/times.h"

#include "common/auth/auth.h"
#include "common/http/request.h"
#include "common/reports/span.h"
#include "common/serve/query.h"
#include "common/shape/declare.h"
#include "directory/directory.h"
#include "directory/lookup.h"
#include "performance-reporting/times.sql.h"

#define HALVES 2 /* all records, and those that succeeded */

#define OF struct range_text
static const struct field times_query_fields[] = {RANGE_FIELDS};
const struct shape times_query_shape = SHAPE("TimesQuery", NULL, times_query_fields);
#undef OF

struct bucket {
    int64_t from, to, count;
};

#define OF struct bucket
static const struct field bucket_fields[] = {
    FIELD(INT, from, .help = "Seconds; of the first one the minimum, if that is negative.", .example = "200"),
    FIELD(INT, to, .help = "The seconds after the last.", .example = "400"),
    FIELD(INT, count, .example = "140"),
};
static const struct shape bucket_shape = SHAPE("TimesBucket", "Times of a range.", bucket_fields);
#undef OF

struct half {
    int64_t count, min, p10, p25, p50, p75, p90, p95, p99, max;
    double average;
    struct kept_json histogram;
};

#define OF                     struct half
#define SECONDS(member, shown) FIELD(INT, member, .flags = FIELD_NULLABLE, .example = (shown))
static const struct field half_fields[] = {
    FIELD(INT, count, .help = "Records that have a time.", .example = "480"),
    SECONDS(min, "12"),
    SECONDS(p10, "88"),
    SECONDS(p25, "160"),
    SECONDS(p50, "295"),
    SECONDS(p75, "470"),
    SECONDS(p90, "640"),
    SECONDS(p95, "900"),
    SECONDS(p99, "2400"),
    SECONDS(max, "3600"),
    FIELD(FLOAT, average, .flags = FIELD_NULLABLE, .example = "361.4"),
};
static const struct shape half_shape =
    SHAPE("TimesDistribution", "Percentiles by nearest rank: times that occurred, in seconds.", half_fields);
#undef OF

struct times {
    struct text lab_type, lab_name;
    struct span span;
    struct kept_json all, successful, histogram;
};

#define OF struct times
static const struct field times_fields[] = {
    FIELD(TEXT, lab_type, .example = "\"filesystem\""),
    FIELD(TEXT, lab_name, .flags = FIELD_NULLABLE, .help = "Name of the oldest lab of the type.",
          .example = "\"Filesystem Lab\""),
    SPAN_FIELDS(span, FIELD_NULLABLE),
    FIELD(OBJECT, all, .of = &half_shape),
    FIELD(OBJECT, successful, .of = &half_shape),
    FIELD(KEPT_LIST, histogram, .of = &bucket_shape,
          .help = "Of all times, from 0: equal steps of 1, 2 or 5 times a power of ten, the smallest with "
                  "which at most 20 hold the maximum. Negative times are in the first one."),
};
const struct shape times_shape = SHAPE("LabTimes", "Completion times of a lab type.", times_fields);
#undef OF

struct times_params {
    struct text lab_type;
    struct moment from, to;
};

STATEMENT(times_of_lab, REPORT, .planned_anew = true, PARAMS(struct times_params, lab_type, from, to),
          ROW(struct half, count, min, p10, p25, p50, p75, p90, p95, p99, max, average, histogram));

/* Prints an object that the answer has as a member; false when memory is exhausted. */
static bool print_half(struct request *rq, const struct half *half, struct kept_json *into)
{
    struct writer w = writer_start(&rq->arena);

    shape_write(&w, &half_shape, half);
    into->bytes = (struct text){w.at, w.len};
    return !w.failed;
}

enum reply times_show(struct request *rq)
{
    static const struct span_rules rules = {.history = true};
    const struct lab_type_path *path = rq->path;
    struct times times = {.lab_type = path->lab_type};
    struct known_lab lab;
    struct rows rows;

    if (!auth_require_all_users(rq) || !span_read(rq, rq->query, &rules, &times.span) ||
        !lookup_require_lab(rq, path->lab_type, &lab))
        return REPLIED;
    times.lab_name = lab.name;
    const struct times_params params = {path->lab_type, times.span.from, times.span.to};
    if (query_rows(rq, &times_of_lab, &params, &rows) == QUERY_REPLIED)
        return REPLIED;
    const struct half *halves = rows.items;
    if (rows.count != HALVES || !print_half(rq, &halves[0], &times.all) ||
        !print_half(rq, &halves[1], &times.successful))
        return reply_unavailable(rq);
    times.histogram = halves[0].histogram;
    return reply(rq, &times_shape, &times);
}
