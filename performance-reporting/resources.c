#include "performance-reporting/resources.h"

#include "common/auth/auth.h"
#include "common/http/request.h"
#include "common/items/parameter.h"
#include "common/reports/span.h"
#include "common/serve/query.h"
#include "common/shape/declare.h"
#include "performance-reporting/resources.sql.h"

#define DAYS_DEFAULT 30
#define DAYS_MOST    400 /* every record of the range is parsed */
#define NAMES_MOST   100

struct resources_query {
    struct text lab_type, from, to, zone;
};

#define OF struct resources_query
static const struct field resources_query_fields[] = {
    FIELD(TEXT, lab_type, .help = "Only records of this lab type."),
    RANGE_FIELDS,
};
const struct shape resources_query_shape = SHAPE("ResourcesQuery", NULL, resources_query_fields);
#undef OF

struct resource {
    struct text name;
    int64_t count;
    double min, p50, p95, max, average, sum;
};

#define OF struct resource
static const struct field resource_fields[] = {
    FIELD(TEXT, name, .example = "\"cpu\""), FIELD(INT, count, .example = "455"),
    FIELD(FLOAT, min, .example = "1"),       FIELD(FLOAT, p50, .help = "Nearest rank.", .example = "5"),
    FIELD(FLOAT, p95, .example = "22"),      FIELD(FLOAT, max, .example = "61"),
    FIELD(FLOAT, average, .example = "7.3"), FIELD(FLOAT, sum, .help = "Exact.", .example = "3321"),
};
static const struct shape resource_shape =
    SHAPE("Resource", "Amounts under a name, in the sender's unit.", resource_fields);
#undef OF

struct resources {
    struct text lab_type;
    struct span span;
    int64_t records, with_resources, more, ignored;
    struct kept_json resources;
};

#define OF struct resources
static const struct field resources_fields[] = {
    FIELD(TEXT, lab_type, .flags = FIELD_NULLABLE, .example = "\"filesystem\""),
    SPAN_FIELDS(span, 0),
    FIELD(INT, records, .example = "480"),
    FIELD(INT, with_resources, .help = "Records whose resources_used has members.", .example = "455"),
    FIELD(KEPT_LIST, resources, .of = &resource_shape,
          .help = "The first 100 names, in the order of their bytes."),
    FIELD(INT, more, .help = "How many names are not listed.", .example = "0"),
    FIELD(INT, ignored, .help = "Members that are not numbers.", .example = "2"),
};
const struct shape resources_shape =
    SHAPE("Resources", "What records say of the resources that were used.", resources_fields);
#undef OF

struct resources_params {
    struct text lab_type;
    struct moment from, to;
    int64_t limit;
};

STATEMENT(report_of_resources, REPORT, .planned_anew = true,
          PARAMS(struct resources_params, lab_type, from, to, limit),
          ROW(struct resources, records, with_resources, resources, more, ignored));

enum reply resources_show(struct request *rq)
{
    static const struct span_rules rules = {.back = DAYS_DEFAULT};
    const struct resources_query *query = rq->query;
    struct resources resources;
    struct span span;

    if (!auth_require_all_users(rq) ||
        !span_read(rq, &(struct range_text){query->from, query->to, query->zone}, &rules, &span))
        return REPLIED;
    if (span.to.us - span.from.us > DAYS_MOST * MOMENT_DAY)
        return reply_bad_parameter(rq, "from", query->from, "the range is longer than 400 days");
    const struct resources_params params = {query->lab_type, span.from, span.to, NAMES_MOST};
    switch (query_row(rq, &report_of_resources, &params, &resources)) {
    case QUERY_ROW:
        resources.lab_type = query->lab_type;
        resources.span = span;
        return reply(rq, &resources_shape, &resources);
    case QUERY_REPLIED:
        return REPLIED;
    default:
        return reply_unavailable(rq);
    }
}
