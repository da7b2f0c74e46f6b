#include "performance-reporting/reports.h"

#include "common/base/declare.h"
#include "common/http/request.h"
#include "common/serve/query.h"
#include "directory/directory.h"
#include "directory/lookup.h"

struct lab_report {
    struct text lab_type, lab_name;
    int64_t total_attempts, unique_users;
    double success_rate, avg_completion_time;
    struct texts common_errors;
};

static const struct field lab_report_fields[] = {
    {.name = "lab_type",
     .type = FIELD_TEXT,
     .at = offsetof(struct lab_report, lab_type),
     .example = "\"filesystem\""},
    {.name = "lab_name",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct lab_report, lab_name),
     .help = "Of the oldest lab of the type.",
     .example = "\"Filesystem Lab\""},
    {.name = "total_attempts",
     .type = FIELD_INT,
     .at = offsetof(struct lab_report, total_attempts),
     .example = "1"},
    {.name = "unique_users",
     .type = FIELD_INT,
     .at = offsetof(struct lab_report, unique_users),
     .example = "1"},
    {.name = "success_rate",
     .type = FIELD_FLOAT,
     .flags = FIELD_ZERO,
     .at = offsetof(struct lab_report, success_rate),
     .help = "Of the attempts, from 0 to 1.",
     .example = "1.0"},
    {.name = "avg_completion_time",
     .type = FIELD_FLOAT,
     .flags = FIELD_ZERO,
     .at = offsetof(struct lab_report, avg_completion_time),
     .help = "Seconds.",
     .example = "295.0"},
    {.name = "common_errors",
     .type = FIELD_TEXTS,
     .at = offsetof(struct lab_report, common_errors),
     .help = "The five most frequent; of equally frequent ones the earliest first.",
     .example = "[]"},
    {.name = "total_users",
     .type = FIELD_INT,
     .at = offsetof(struct lab_report, unique_users),
     .help = "unique_users by its later name.",
     .example = "1"},
};

const struct shape lab_report_shape = {"LabPerformance", "What the records of a lab type add up to.",
                                       sizeof(struct lab_report), lab_report_fields,
                                       COUNT(lab_report_fields)};

struct user_lab {
    struct text lab_type, lab_name, lab_description, lab_difficulty;
    int64_t attempts;
    double success_rate, avg_completion_time;
    int64_t total_time_spent;
    struct moment last_attempt;
};

static const struct field user_lab_fields[] = {
    {.name = "lab_type",
     .type = FIELD_TEXT,
     .at = offsetof(struct user_lab, lab_type),
     .example = "\"filesystem\""},
    {.name = "lab_name",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct user_lab, lab_name),
     .help = "Of the oldest lab of the type; the type itself when none is left.",
     .example = "\"Filesystem Lab\""},
    {.name = "lab_description",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct user_lab, lab_description),
     .example = "\"Learn about filesystem operations\""},
    {.name = "lab_difficulty",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct user_lab, lab_difficulty),
     .example = "\"beginner\""},
    {.name = "attempts", .type = FIELD_INT, .at = offsetof(struct user_lab, attempts), .example = "1"},
    {.name = "success_rate",
     .type = FIELD_FLOAT,
     .flags = FIELD_ZERO,
     .at = offsetof(struct user_lab, success_rate),
     .help = "Of the attempts, from 0 to 1.",
     .example = "1.0"},
    {.name = "avg_completion_time",
     .type = FIELD_FLOAT,
     .flags = FIELD_ZERO,
     .at = offsetof(struct user_lab, avg_completion_time),
     .help = "Seconds.",
     .example = "295.0"},
    {.name = "total_time_spent",
     .type = FIELD_INT,
     .at = offsetof(struct user_lab, total_time_spent),
     .help = "Seconds.",
     .example = "295"},
    {.name = "last_attempt",
     .type = FIELD_TIME_OFFSET,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct user_lab, last_attempt),
     .example = "\"2025-04-19T08:38:25.379893+00:00\""},
};

static const struct shape user_lab_shape = {"UserLabPerformance",
                                            "What a user's records of a lab type add up to.",
                                            sizeof(struct user_lab), user_lab_fields, COUNT(user_lab_fields)};

struct user_report {
    struct text user_id, username;
    struct rows performance_by_lab;
};

static const struct field user_report_fields[] = {
    {.name = "user_id",
     .type = FIELD_TEXT,
     .at = offsetof(struct user_report, user_id),
     .example = "\"dc1a707b-d1f6-4c99-b7c5-544a16afbd9d\""},
    {.name = "username",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct user_report, username),
     .example = "\"testuser1\""},
    {.name = "performance_by_lab",
     .type = FIELD_MAP,
     .at = offsetof(struct user_report, performance_by_lab),
     .of = &user_lab_shape,
     .help = "By lab type."},
};

const struct shape user_report_shape = {"UserPerformance", "What a user's records add up to.",
                                        sizeof(struct user_report), user_report_fields,
                                        COUNT(user_report_fields)};

/*
 * A record whose success is null did not succeed; one whose time is null is left out of the average. Errors
 * are the strings of a list; anything else in that column is none.
 */
static const struct statement report_of_lab = {
    .name = "report_of_lab",
    .sql =
        "SELECT total.attempts, total.users, total.successes::float8 / total.attempts,"
        " total.seconds::float8 / nullif(total.timed, 0),"
        " ARRAY(SELECT error FROM (SELECT performance_text(e.value) AS error, p.id, e.position"
        " FROM user_performance p, LATERAL json_array_elements(p.errors) WITH ORDINALITY AS e (value, "
        "position)"
        " WHERE p.lab_type = $1 AND performance_has_errors(p.errors) AND json_typeof(e.value) = 'string') AS "
        "every"
        " GROUP BY error ORDER BY count(*) DESC, min(ARRAY[id, position]) LIMIT 5)"
        " FROM (SELECT sum(n)::int8 AS attempts, count(user_id) AS users, sum(successes)::int8 AS successes,"
        " sum(seconds)::int8 AS seconds, sum(timed)::int8 AS timed"
        " FROM (SELECT user_id, count(*) AS n, count(*) FILTER (WHERE success) AS successes,"
        " coalesce(sum(completion_time), 0) AS seconds, count(completion_time) AS timed"
        " FROM user_performance WHERE lab_type = $1 GROUP BY user_id) AS each_user) AS total"
        " WHERE total.attempts > 0",
    .kind = STATEMENT_REPORT,
    .params = (const struct column[]){{COLUMN_TEXT, offsetof(struct key, value)}},
    .param_count = 1,
    .row = (const struct column[]){{COLUMN_INT, offsetof(struct lab_report, total_attempts)},
                                   {COLUMN_INT, offsetof(struct lab_report, unique_users)},
                                   {COLUMN_FLOAT, offsetof(struct lab_report, success_rate)},
                                   {COLUMN_FLOAT, offsetof(struct lab_report, avg_completion_time)},
                                   {COLUMN_TEXTS, offsetof(struct lab_report, common_errors)}},
    .column_count = 5,
    .row_size = sizeof(struct lab_report),
};

static const struct statement report_of_user = {
    .name = "report_of_user",
    .sql = "SELECT lab_type, count(*), count(*) FILTER (WHERE success)::float8 / count(*),"
           " sum(completion_time)::float8 / nullif(count(completion_time), 0),"
           " coalesce(sum(completion_time), 0)::int8, max(timestamp)"
           " FROM user_performance WHERE user_id = $1 AND lab_type IS NOT NULL"
           " GROUP BY lab_type ORDER BY lab_type COLLATE \"C\"",
    .kind = STATEMENT_REPORT,
    .params = (const struct column[]){{COLUMN_TEXT, offsetof(struct key, value)}},
    .param_count = 1,
    .row = (const struct column[]){{COLUMN_TEXT, offsetof(struct user_lab, lab_type)},
                                   {COLUMN_INT, offsetof(struct user_lab, attempts)},
                                   {COLUMN_FLOAT, offsetof(struct user_lab, success_rate)},
                                   {COLUMN_FLOAT, offsetof(struct user_lab, avg_completion_time)},
                                   {COLUMN_INT, offsetof(struct user_lab, total_time_spent)},
                                   {COLUMN_TIME, offsetof(struct user_lab, last_attempt)}},
    .column_count = 6,
    .row_size = sizeof(struct user_lab),
};

enum reply reports_of_lab(struct request *rq)
{
    const struct key *key = rq->path;
    struct known_lab lab;
    struct lab_report report;

    if (!lookup_require_lab(rq, key->value, &lab))
        return REPLIED;
    switch (query_row(rq, &report_of_lab, key, &report)) {
    case QUERY_ROW:
        report.lab_type = key->value;
        report.lab_name = lab.name;
        return reply(rq, &lab_report_shape, &report);
    case QUERY_NONE:
        return reply_error(rq, 404, "No records found for lab type");
    default:
        return REPLIED;
    }
}

/* Fills the labs' names in; false when they cannot be known, 503 being the reply. */
static bool name_labs(struct request *rq, struct user_lab *labs, size_t count)
{
    struct text *types = arena_alloc(&rq->arena, count * sizeof(*types));
    struct known_lab *known = arena_alloc(&rq->arena, count * sizeof(*known));

    if (!types || !known) {
        reply_unavailable(rq);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        types[i] = labs[i].lab_type;
    if (!lookup(rq, NULL, 0, NULL, types, count, known, true))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool left = known[i].lab_type.at != NULL;
        labs[i].lab_name = left ? known[i].name : types[i];
        labs[i].lab_description = left ? known[i].description : TEXT("No description available");
        labs[i].lab_difficulty = left ? known[i].difficulty : TEXT("unknown");
    }
    return true;
}

enum reply reports_of_user(struct request *rq)
{
    const struct key *key = rq->path;
    struct known_user user;
    struct user_report report = {.user_id = key->value};

    if (!lookup_require_user(rq, key->value, &user) ||
        query_rows(rq, &report_of_user, key, &report.performance_by_lab) == QUERY_REPLIED ||
        !name_labs(rq, report.performance_by_lab.items, report.performance_by_lab.count))
        return REPLIED;
    report.username = user.username;
    return reply(rq, &user_report_shape, &report);
}
