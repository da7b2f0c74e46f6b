#include "usage-analytics/series.h"

#include "common/http/request.h"
#include "common/reports/series.h"
#include "common/shape/declare.h"
#include "usage-analytics/series.sql.h"

#define PEAK_DAYS 92 /* a quarter of a year: each session of the range is looked at */

static const char *const by[] = {"none", "lab_type", "event_type", NULL};

#define OF struct series_query
static const struct field query_fields[] = {
    SERIES_FIELDS(by),
    FIELD_NAMED(TEXT, "event_type", kind,
                .help = "Only events of this type; sessions are null then. Events without a type have the "
                        "type null."),
};
const struct shape usage_series_query_shape = SHAPE("UsageSeriesQuery", NULL, query_fields);
#undef OF

struct usage_row {
    SERIES_ROW;
    int64_t events, users, sessions;
    double average_session_time_seconds;
    int64_t peak_sessions;
};

struct usage_group {
    struct series_group of;
    struct ints events, users, sessions;
    struct floats average_session_time_seconds;
    struct ints peak_sessions;
};

#define OF struct usage_group
#define FIGURES                                                                                              \
    FIELD(INTS, events, .flags = FIELD_NULLABLE, .example = "[12,0,7]"),                                     \
        FIELD(INTS, users, .flags = FIELD_NULLABLE, .help = "Different users who had an event.",             \
              .example = "[3,0,2]"),                                                                         \
        FIELD(INTS, sessions, .flags = FIELD_NULLABLE, .help = "Sessions that began and were completed.",    \
              .example = "[4,0,2]"),                                                                         \
        FIELD(FLOATS, average_session_time_seconds, .flags = FIELD_NULLABLE | FIELD_ZERO,                    \
              .example = "[171.5,0,30.0]"),                                                                  \
        FIELD(INTS, peak_sessions, .flags = FIELD_NULLABLE,                                                  \
              .help = "The most sessions that were open at a time; null for more than 92 days.",             \
              .example = "[2,1,2]")

static const struct field group_fields[] = {
    SERIES_GROUP_FIELDS,
    FIELD_NAMED(TEXT, "event_type", of.kind, .flags = FIELD_OPTIONAL,
                .help = "With `by=event_type`, instead of the lab type."),
    FIGURES,
};
static const struct field total_fields[] = {FIGURES};

static const struct shape group_shape =
    SHAPE("UsageSeriesGroup", "Figures of usage, one for each interval.", group_fields);
static const struct shape total_shape =
    SHAPE("UsageSeriesTotal", "Figures of usage, one for each interval.", total_fields);
#undef OF

#define OF struct series_answer
static const struct field series_fields[] = {SERIES_ANSWER_FIELDS(group_shape, total_shape)};
const struct shape usage_series_shape = SHAPE("UsageSeries", "Usage over time.", series_fields);
#undef OF

static const struct series_figure figures[] = {
    FIGURE(struct usage_row, struct usage_group, events),
    FIGURE(struct usage_row, struct usage_group, users),
    FIGURE(struct usage_row, struct usage_group, sessions, .labs_only = true),
    FIGURE(struct usage_row, struct usage_group, average_session_time_seconds, .labs_only = true),
    FIGURE(struct usage_row, struct usage_group, peak_sessions, .labs_only = true, .days_most = PEAK_DAYS),
};

STATEMENT(usage_series, REPORT, .planned_anew = true,
          PARAMS(struct series_params, edges, lab_type, kind, by, top, figures),
          ROW(struct usage_row, place, name, bucket, since, events, users, sessions,
              average_session_time_seconds, peak_sessions));

enum reply series_get(struct request *rq)
{
    static const struct series series = {.statement = &usage_series,
                                         .answer = &usage_series_shape,
                                         .total = &total_shape,
                                         .group_size = sizeof(struct usage_group),
                                         .figures = figures,
                                         .figure_count = COUNT(figures)};

    return series_reply(rq, &series);
}
