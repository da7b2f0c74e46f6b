#include "performance-reporting/reports.h"

#include "common/http/request.h"
#include "common/serve/query.h"
#include "common/shape/declare.h"
#include "directory/directory.h"
#include "directory/lookup.h"
#include "performance-reporting/reports.sql.h"

struct lab_report {
    struct text lab_type, lab_name;
    int64_t total_attempts, unique_users;
    double success_rate, avg_completion_time;
    struct texts common_errors;
};

#define OF struct lab_report
static const struct field lab_report_fields[] = {
    FIELD(TEXT, lab_type, .example = "\"filesystem\""),
    FIELD(TEXT, lab_name, .flags = FIELD_NULLABLE, .help = "Name of the oldest lab of the type.",
          .example = "\"Filesystem Lab\""),
    FIELD(INT, total_attempts, .example = "1"),
    FIELD(INT, unique_users, .example = "1"),
    FIELD(FLOAT, success_rate, .flags = FIELD_ZERO, .help = "Of the attempts, from 0 to 1.",
          .example = "1.0"),
    FIELD(FLOAT, avg_completion_time, .flags = FIELD_ZERO, .help = "Seconds.", .example = "295.0"),
    FIELD(TEXTS, common_errors,
          .help = "The five most frequent; equally frequent ones by their first occurrence.",
          .example = "[]"),
    FIELD_NAMED(INT, "total_users", unique_users, .help = "The same as unique_users, under its later name.",
                .example = "1"),
};

const struct shape lab_report_shape =
    SHAPE("LabPerformance", "Totals of the records of a lab type.", lab_report_fields);
#undef OF

struct user_lab {
    struct text lab_type, lab_name, lab_description, lab_difficulty;
    int64_t attempts;
    double success_rate, avg_completion_time;
    int64_t total_time_spent;
    struct moment last_attempt;
};

#define OF struct user_lab
static const struct field user_lab_fields[] = {
    FIELD(TEXT, lab_type, .example = "\"filesystem\""),
    FIELD(TEXT, lab_name, .flags = FIELD_NULLABLE,
          .help = "Name of the oldest lab of the type; the type itself if there is none any more.",
          .example = "\"Filesystem Lab\""),
    FIELD(TEXT, lab_description, .flags = FIELD_NULLABLE, .example = "\"Learn about filesystem operations\""),
    FIELD(TEXT, lab_difficulty, .flags = FIELD_NULLABLE, .example = "\"beginner\""),
    FIELD(INT, attempts, .example = "1"),
    FIELD(FLOAT, success_rate, .flags = FIELD_ZERO, .help = "Of the attempts, from 0 to 1.",
          .example = "1.0"),
    FIELD(FLOAT, avg_completion_time, .flags = FIELD_ZERO, .help = "Seconds.", .example = "295.0"),
    FIELD(INT, total_time_spent, .help = "Seconds.", .example = "295"),
    FIELD(TIME_OFFSET, last_attempt, .flags = FIELD_NULLABLE,
          .example = "\"2025-04-19T08:38:25.379893+00:00\""),
};

static const struct shape user_lab_shape =
    SHAPE("UserLabPerformance", "Totals of a user's records of a lab type.", user_lab_fields);
#undef OF

struct user_report {
    struct text user_id, username;
    struct rows performance_by_lab;
};

#define OF struct user_report
static const struct field user_report_fields[] = {
    FIELD(TEXT, user_id, .example = "\"dc1a707b-d1f6-4c99-b7c5-544a16afbd9d\""),
    FIELD(TEXT, username, .flags = FIELD_NULLABLE, .example = "\"testuser1\""),
    FIELD(MAP, performance_by_lab, .of = &user_lab_shape, .help = "By lab type."),
};

const struct shape user_report_shape =
    SHAPE("UserPerformance", "Totals of a user's records.", user_report_fields);
#undef OF

STATEMENT(report_of_lab, REPORT, PARAMS(struct lab_type_path, lab_type),
          ROW(struct lab_report, total_attempts, unique_users, success_rate, avg_completion_time,
              common_errors));
STATEMENT(report_of_user, REPORT, PARAMS(struct user_path, user_id),
          ROW(struct user_lab, lab_type, attempts, success_rate, avg_completion_time, total_time_spent,
              last_attempt));

enum reply reports_of_lab(struct request *rq)
{
    const struct lab_type_path *path = rq->path;
    struct known_lab lab;
    struct lab_report report;

    if (!lookup_require_lab(rq, path->lab_type, &lab))
        return REPLIED;
    switch (query_row(rq, &report_of_lab, path, &report)) {
    case QUERY_ROW:
        report.lab_type = path->lab_type;
        report.lab_name = lab.name;
        return reply(rq, &lab_report_shape, &report);
    case QUERY_NONE:
        return reply_error(rq, 404, "No records found for lab type");
    default:
        return REPLIED;
    }
}

/* Adds the names of the labs; false: they cannot be looked up, and the reply is 503. */
static bool name_labs(struct request *rq, struct rows rows)
{
    const struct known_lab *known = lookup_labs_of_rows(rq, rows, sizeof(struct user_lab));
    struct user_lab *labs = rows.items;

    for (size_t i = 0; known && i < rows.count; i++) {
        bool left = known[i].lab_type.at != NULL;
        labs[i].lab_name = left ? known[i].name : labs[i].lab_type;
        labs[i].lab_description = left ? known[i].description : TEXT("No description available");
        labs[i].lab_difficulty = left ? known[i].difficulty : TEXT("unknown");
    }
    return known != NULL;
}

enum reply reports_of_user(struct request *rq)
{
    const struct user_path *path = rq->path;
    struct known_user user;
    struct user_report report = {.user_id = path->user_id};

    if (!lookup_require_user(rq, path->user_id, &user) ||
        query_rows(rq, &report_of_user, path, &report.performance_by_lab) == QUERY_REPLIED ||
        !name_labs(rq, report.performance_by_lab))
        return REPLIED;
    report.username = user.username;
    return reply(rq, &user_report_shape, &report);
}
