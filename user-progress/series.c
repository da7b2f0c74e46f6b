#include "user-progress/series.h"

#include "common/http/request.h"
#include "common/reports/series.h"
#include "common/shape/declare.h"
#include "user-progress/series.sql.h"

#define OF struct series_query
static const struct field query_fields[] = {SERIES_FIELDS(series_by)};
const struct shape attempt_series_query_shape = SHAPE("LabAttemptSeriesQuery", NULL, query_fields);
#undef OF

struct attempt_row {
    SERIES_ROW;
    int64_t attempts;
    int64_t users;
    double success_rate;
    double average_time;
};

struct attempt_group {
    struct series_group of;
    struct ints attempts;
    struct ints users;
    struct floats success_rate;
    struct floats average_time;
};

#define OF struct attempt_group
#define FIGURES                                                                                              \
    FIELD(INTS, attempts, .flags = FIELD_NULLABLE, .example = "[12,0,7]"),                                   \
        FIELD(INTS, users, .flags = FIELD_NULLABLE, .help = "Different users who tried.",                    \
              .example = "[3,0,2]"),                                                                         \
        FIELD(FLOATS, success_rate, .flags = FIELD_NULLABLE | FIELD_ZERO,                                    \
              .help = "Of the attempts, from 0 to 1.", .example = "[0.75,0,1.0]"),                           \
        FIELD(FLOATS, average_time, .flags = FIELD_NULLABLE | FIELD_ZERO, .help = "Seconds.",                \
              .example = "[171.5,0,30.0]")

static const struct field group_fields[] = {SERIES_GROUP_FIELDS, FIGURES};
static const struct field total_fields[] = {FIGURES};

static const struct shape group_shape =
    SHAPE("LabAttemptSeriesGroup", "Figures of lab attempts, one for each interval.", group_fields);
static const struct shape total_shape =
    SHAPE("LabAttemptSeriesTotal", "Figures of lab attempts, one for each interval.", total_fields);
#undef OF

#define OF struct series_answer
static const struct field series_fields[] = {SERIES_ANSWER_FIELDS(group_shape, total_shape)};
const struct shape attempt_series_shape = SHAPE("LabAttemptSeries", "Lab attempts over time.", series_fields);
#undef OF

static const struct series_figure figures[] = {
    FIGURE(struct attempt_row, struct attempt_group, attempts),
    FIGURE(struct attempt_row, struct attempt_group, users),
    FIGURE(struct attempt_row, struct attempt_group, success_rate),
    FIGURE(struct attempt_row, struct attempt_group, average_time),
};

STATEMENT(attempt_series, REPORT, .planned_anew = true,
          PARAMS(struct series_params, edges, lab_type, by, top, figures),
          ROW(struct attempt_row, place, name, bucket, since, attempts, users, success_rate, average_time));

enum reply series_get(struct request *rq)
{
    static const struct series series = {.statement = &attempt_series,
                                         .answer = &attempt_series_shape,
                                         .total = &total_shape,
                                         .group_size = sizeof(struct attempt_group),
                                         .figures = figures,
                                         .figure_count = COUNT(figures)};

    return series_reply(rq, &series);
}
