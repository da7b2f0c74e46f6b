#include "performance-reporting/series.h"

#include "common/http/request.h"
#include "common/reports/series.h"
#include "common/shape/declare.h"
#include "performance-reporting/series.sql.h"

#define OF struct series_query
static const struct field query_fields[] = {SERIES_FIELDS(series_by)};
const struct shape record_series_query_shape = SHAPE("PerformanceSeriesQuery", NULL, query_fields);
#undef OF

struct record_row {
    SERIES_ROW;
    int64_t attempts;
    int64_t users;
    double success_rate;
    double average_completion_time;
    int64_t p50;
    int64_t p90;
};

struct record_group {
    struct series_group of;
    struct ints attempts;
    struct ints users;
    struct floats success_rate;
    struct floats average_completion_time;
    struct ints p50;
    struct ints p90;
};

#define OF struct record_group
#define FIGURES                                                                                              \
    FIELD(INTS, attempts, .flags = FIELD_NULLABLE, .example = "[12,0,7]"),                                   \
        FIELD(INTS, users, .flags = FIELD_NULLABLE, .help = "Different users who tried.",                    \
              .example = "[3,0,2]"),                                                                         \
        FIELD(FLOATS, success_rate, .flags = FIELD_NULLABLE | FIELD_ZERO,                                    \
              .help = "Of the attempts, from 0 to 1.", .example = "[0.75,0,1.0]"),                           \
        FIELD(FLOATS, average_completion_time, .flags = FIELD_NULLABLE | FIELD_ZERO, .help = "Seconds.",     \
              .example = "[171.5,0,30.0]"),                                                                  \
        FIELD(INTS, p50, .flags = FIELD_NULLABLE,                                                            \
              .help = "Seconds: the shortest time that half of the times do not exceed.",                    \
              .example = "[160,0,30]"),                                                                      \
        FIELD(INTS, p90, .flags = FIELD_NULLABLE, .help = "Seconds: the same for nine of ten.",              \
              .example = "[300,0,30]")

static const struct field group_fields[] = {SERIES_GROUP_FIELDS, FIGURES};
static const struct field total_fields[] = {FIGURES};

static const struct shape group_shape =
    SHAPE("PerformanceSeriesGroup", "Figures of performance records, one for each interval.", group_fields);
static const struct shape total_shape =
    SHAPE("PerformanceSeriesTotal", "Figures of performance records, one for each interval.", total_fields);
#undef OF

#define OF struct series_answer
static const struct field series_fields[] = {SERIES_ANSWER_FIELDS(group_shape, total_shape)};
const struct shape record_series_shape =
    SHAPE("PerformanceSeries", "Performance records over time.", series_fields);
#undef OF

static const struct series_figure figures[] = {
    FIGURE(struct record_row, struct record_group, attempts),
    FIGURE(struct record_row, struct record_group, users),
    FIGURE(struct record_row, struct record_group, success_rate),
    FIGURE(struct record_row, struct record_group, average_completion_time),
    FIGURE(struct record_row, struct record_group, p50),
    FIGURE(struct record_row, struct record_group, p90),
};

STATEMENT(record_series, REPORT, .planned_anew = true,
          PARAMS(struct series_params, edges, lab_type, by, top, figures),
          ROW(struct record_row, place, name, bucket, since, attempts, users, success_rate,
              average_completion_time, p50, p90));

enum reply series_get(struct request *rq)
{
    static const struct series series = {.statement = &record_series,
                                         .answer = &record_series_shape,
                                         .total = &total_shape,
                                         .group_size = sizeof(struct record_group),
                                         .figures = figures,
                                         .figure_count = COUNT(figures)};

    return series_reply(rq, &series);
}
