#include "user-progress/stats.h"

#include <math.h>

#include "common/base/declare.h"
#include "common/http/request.h"
#include "common/serve/query.h"
#include "directory/directory.h"
#include "user-progress/users.h"

struct lab_stats {
    struct text lab_type, lab_name;
    int64_t attempts, successful_attempts, time_spent;
    double average_time, success_rate;
};

static const struct field lab_stats_fields[] = {
    {.name = "lab_type",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct lab_stats, lab_type),
     .example = "\"filesystem\""},
    {.name = "lab_name",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct lab_stats, lab_name),
     .example = "\"Filesystem Lab\""},
    {.name = "attempts", .type = FIELD_INT, .at = offsetof(struct lab_stats, attempts), .example = "1"},
    {.name = "successful_attempts",
     .type = FIELD_INT,
     .at = offsetof(struct lab_stats, successful_attempts),
     .example = "1"},
    {.name = "average_time",
     .type = FIELD_FLOAT,
     .flags = FIELD_ZERO,
     .at = offsetof(struct lab_stats, average_time),
     .help = "Seconds an attempt.",
     .example = "300.0"},
    {.name = "success_rate",
     .type = FIELD_FLOAT,
     .flags = FIELD_ZERO,
     .at = offsetof(struct lab_stats, success_rate),
     .help = "Of the attempts, from 0 to 1.",
     .example = "1.0"},
};

static const struct shape lab_stats_shape = {"LabStats", "A user's attempts at one type of lab.",
                                             sizeof(struct lab_stats), lab_stats_fields,
                                             COUNT(lab_stats_fields)};

struct stats {
    struct text user_id, username;
    int64_t total_attempts, successful_attempts;
    double success_rate, average_time_per_attempt;
    struct rows labs_attempted;
};

static const struct field stats_fields[] = {
    {.name = "user_id",
     .type = FIELD_TEXT,
     .at = offsetof(struct stats, user_id),
     .example = "\"7be06c80-fbc6-4280-aed1-16f8749df77b\""},
    {.name = "username",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct stats, username),
     .example = "\"testuser1\""},
    {.name = "total_attempts",
     .type = FIELD_INT,
     .at = offsetof(struct stats, total_attempts),
     .example = "1"},
    {.name = "successful_attempts",
     .type = FIELD_INT,
     .at = offsetof(struct stats, successful_attempts),
     .example = "1"},
    {.name = "success_rate",
     .type = FIELD_FLOAT,
     .flags = FIELD_ZERO,
     .at = offsetof(struct stats, success_rate),
     .help = "Of the attempts, from 0 to 1.",
     .example = "1.0"},
    {.name = "average_time_per_attempt",
     .type = FIELD_FLOAT,
     .flags = FIELD_ZERO,
     .at = offsetof(struct stats, average_time_per_attempt),
     .help = "Seconds.",
     .example = "300.0"},
    {.name = "labs_attempted",
     .type = FIELD_LIST,
     .at = offsetof(struct stats, labs_attempted),
     .of = &lab_stats_shape,
     .help = "In the order of the first attempts."},
};

const struct shape stats_shape = {"UserStats", "What a user's attempts add up to.", sizeof(struct stats),
                                  stats_fields, COUNT(stats_fields)};

static const struct statement sum_attempts = {
    .name = "sum_attempts",
    .sql =
        "SELECT s.lab_type, CASE WHEN l.id IS NULL THEN s.lab_type ELSE l.name END, s.attempts, s.successful,"
        " s.time_spent FROM ("
        " SELECT lab_type, count(*) AS attempts, count(*) FILTER (WHERE completion_status) AS successful,"
        " coalesce(sum(time_spent), 0)::int8 AS time_spent, min(id) AS first FROM lab_attempts"
        " WHERE user_id = $1 GROUP BY lab_type) AS s"
        " LEFT JOIN LATERAL (SELECT id, name FROM labs WHERE lab_type = s.lab_type"
        " ORDER BY created_at, id LIMIT 1) AS l ON true ORDER BY s.first",
    .kind = STATEMENT_REPORT,
    .params = (const struct column[]){{COLUMN_TEXT, offsetof(struct key, value)}},
    .param_count = 1,
    .row = (const struct column[]){{COLUMN_TEXT, offsetof(struct lab_stats, lab_type)},
                                   {COLUMN_TEXT, offsetof(struct lab_stats, lab_name)},
                                   {COLUMN_INT, offsetof(struct lab_stats, attempts)},
                                   {COLUMN_INT, offsetof(struct lab_stats, successful_attempts)},
                                   {COLUMN_INT, offsetof(struct lab_stats, time_spent)}},
    .column_count = 5,
    .row_size = sizeof(struct lab_stats),
};

static double ratio(int64_t part, int64_t whole)
{
    return whole ? (double)part / (double)whole : NAN;
}

enum reply stats_get(struct request *rq)
{
    const struct key *key = rq->path;
    struct user user;
    struct stats stats = {.user_id = key->value};
    int64_t time_spent = 0;

    if (!users_require(rq, key->value, &user) ||
        query_rows(rq, &sum_attempts, key, &stats.labs_attempted) == QUERY_REPLIED)
        return REPLIED;
    struct lab_stats *labs = stats.labs_attempted.items;
    for (size_t i = 0; i < stats.labs_attempted.count; i++) {
        labs[i].average_time = ratio(labs[i].time_spent, labs[i].attempts);
        labs[i].success_rate = ratio(labs[i].successful_attempts, labs[i].attempts);
        stats.total_attempts += labs[i].attempts;
        stats.successful_attempts += labs[i].successful_attempts;
        time_spent += labs[i].time_spent;
    }
    stats.username = user.username;
    stats.success_rate = ratio(stats.successful_attempts, stats.total_attempts);
    stats.average_time_per_attempt = ratio(time_spent, stats.total_attempts);
    return reply(rq, &stats_shape, &stats);
}
