#include "user-progress/attempts.h"

#include "common/base/declare.h"
#include "common/http/request.h"
#include "common/serve/query.h"
#include "directory/directory.h"
#include "user-progress/users.h"

struct attempt_in {
    struct text user_id, lab_type;
    int8_t completion_status;
    int64_t time_spent;
    struct texts errors_encountered;
};

static const struct field attempt_in_fields[] = {
    {.name = "user_id",
     .type = FIELD_TEXT,
     .flags = FIELD_REQUIRED,
     .at = offsetof(struct attempt_in, user_id),
     .help = "Who tried.",
     .example = "\"7be06c80-fbc6-4280-aed1-16f8749df77b\""},
    {.name = "lab_type",
     .type = FIELD_TEXT,
     .flags = FIELD_REQUIRED,
     .at = offsetof(struct attempt_in, lab_type),
     .limit = NAME_LIMIT,
     .help = "The type of an existing lab.",
     .example = "\"filesystem\""},
    {.name = "completion_status",
     .type = FIELD_BOOL,
     .flags = FIELD_REQUIRED,
     .at = offsetof(struct attempt_in, completion_status),
     .help = "Whether the lab was completed.",
     .example = "true"},
    {.name = "time_spent",
     .type = FIELD_INT,
     .flags = FIELD_REQUIRED,
     .at = offsetof(struct attempt_in, time_spent),
     .help = "Seconds.",
     .example = "300"},
    {.name = "errors_encountered",
     .type = FIELD_TEXTS,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct attempt_in, errors_encountered),
     .help = "In the order they came up.",
     .example = "[\"permission_denied\",\"file_not_found\"]"},
};

const struct shape attempt_in_shape = {"LabAttemptCreate", "An attempt at a lab.", sizeof(struct attempt_in),
                                       attempt_in_fields, COUNT(attempt_in_fields)};

struct attempt {
    struct text user_id, lab_type;
    int8_t completion_status;
    int64_t time_spent;
    struct texts errors_encountered;
    int64_t id;
    struct moment timestamp;
    struct text lab_name, lab_description, lab_difficulty;
};

static const struct field attempt_fields[] = {
    {.name = "user_id",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct attempt, user_id),
     .example = "\"7be06c80-fbc6-4280-aed1-16f8749df77b\""},
    {.name = "lab_type",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct attempt, lab_type),
     .example = "\"filesystem\""},
    {.name = "completion_status",
     .type = FIELD_BOOL,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct attempt, completion_status),
     .example = "true"},
    {.name = "time_spent",
     .type = FIELD_INT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct attempt, time_spent),
     .help = "Seconds.",
     .example = "300"},
    {.name = "errors_encountered",
     .type = FIELD_TEXTS,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct attempt, errors_encountered),
     .example = "[\"permission_denied\",\"file_not_found\"]"},
    {.name = "id", .type = FIELD_INT, .at = offsetof(struct attempt, id), .example = "2"},
    {.name = "timestamp",
     .type = FIELD_TIME_NAIVE,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct attempt, timestamp),
     .help = "UTC.",
     .example = "\"2025-04-19T08:32:45.855898\""},
    {.name = "lab_name",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct attempt, lab_name),
     .help = "Of the oldest lab of the type; the type itself when none is left.",
     .example = "\"Filesystem Lab\""},
    {.name = "lab_description",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct attempt, lab_description),
     .example = "\"Learn about filesystem operations\""},
    {.name = "lab_difficulty",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct attempt, lab_difficulty),
     .example = "\"beginner\""},
};

const struct shape attempt_shape = {"LabAttempt", "An attempt with the lab it was made in.",
                                    sizeof(struct attempt), attempt_fields, COUNT(attempt_fields)};

struct attempt_id {
    int64_t id;
};

static const struct field attempt_id_fields[] = {{.name = "attempt_id",
                                                  .type = FIELD_INT,
                                                  .flags = FIELD_REQUIRED,
                                                  .at = offsetof(struct attempt_id, id)}};

const struct shape attempt_id_shape = {"AttemptId", NULL, sizeof(struct attempt_id), attempt_id_fields, 1};

/* The lab that stands for a type: its oldest. */
#define OLDEST_LAB(of)                                                                                       \
    "LATERAL (SELECT id, name, description, difficulty FROM labs WHERE lab_type = " of                       \
    " ORDER BY created_at, id LIMIT 1)"

/* What became of an attempt that was asked for. */
struct outcome {
    int8_t attempt_found, user_found, lab_found;
    int64_t id;
    struct moment timestamp;
    struct text lab_name, lab_description, lab_difficulty;
};

static const struct column outcome_columns[] = {
    {COLUMN_BOOL, offsetof(struct outcome, attempt_found)},
    {COLUMN_BOOL, offsetof(struct outcome, user_found)},
    {COLUMN_BOOL, offsetof(struct outcome, lab_found)},
    {COLUMN_INT, offsetof(struct outcome, id)},
    {COLUMN_TIME, offsetof(struct outcome, timestamp)},
    {COLUMN_TEXT, offsetof(struct outcome, lab_name)},
    {COLUMN_TEXT, offsetof(struct outcome, lab_description)},
    {COLUMN_TEXT, offsetof(struct outcome, lab_difficulty)},
};

struct attempt_change {
    struct attempt_in in;
    int64_t id;
};

static const struct column attempt_params[] = {
    {COLUMN_TEXT, offsetof(struct attempt_change, in.user_id)},
    {COLUMN_TEXT, offsetof(struct attempt_change, in.lab_type)},
    {COLUMN_BOOL, offsetof(struct attempt_change, in.completion_status)},
    {COLUMN_INT, offsetof(struct attempt_change, in.time_spent)},
    {COLUMN_TEXTS, offsetof(struct attempt_change, in.errors_encountered)},
    {COLUMN_INT, offsetof(struct attempt_change, id)},
};

/* One statement looks user and lab up and inserts what has both; what is missing comes back as data. */
static const struct statement insert_attempt = {
    .name = "insert_attempt",
    .sql = "WITH known AS MATERIALIZED ("
           " SELECT a.*, u.id IS NOT NULL AS user_found, l.id IS NOT NULL AS lab_found,"
           " l.name, l.description, l.difficulty, clock_timestamp() AT TIME ZONE 'UTC' AS at,"
           " CASE WHEN u.id IS NOT NULL AND l.id IS NOT NULL THEN nextval('lab_attempts_id_seq') END AS id"
           " FROM unnest($1::text[], $2::text[], $3::bool[], $4::int8[], $5::text[])"
           " WITH ORDINALITY AS a (user_id, lab_type, completion_status, time_spent, errors, n)"
           " LEFT JOIN users u ON u.id = a.user_id LEFT JOIN " OLDEST_LAB(
               "a.lab_type") " l ON true"
                             "), made AS ("
                             " INSERT INTO lab_attempts (id, user_id, lab_type, completion_status, "
                             "time_spent, errors_encountered,"
                             " timestamp) SELECT id, user_id, lab_type, completion_status, time_spent, "
                             "errors::varchar[], at"
                             " FROM known WHERE id IS NOT NULL"
                             ") SELECT n, true, user_found, lab_found, id, at, name, description, difficulty "
                             "FROM known",
    .kind = STATEMENT_APPEND,
    .set = true,
    .params = attempt_params,
    .param_count = 5,
    .row = outcome_columns,
    .column_count = COUNT(outcome_columns),
    .row_size = sizeof(struct outcome),
};

static const struct statement update_attempt = {
    .name = "update_attempt",
    .sql = "WITH known AS MATERIALIZED ("
           " SELECT t.id IS NOT NULL AS attempt_found, u.id IS NOT NULL AS user_found, l.id IS NOT NULL AS "
           "lab_found,"
           " l.name, l.description, l.difficulty FROM (SELECT $1 AS user_id, $2 AS lab_type) AS a"
           " LEFT JOIN lab_attempts t ON t.id = $6 LEFT JOIN users u ON u.id = a.user_id"
           " LEFT JOIN " OLDEST_LAB("a.lab_type") " l ON true"
                                                  "), made AS ("
                                                  " UPDATE lab_attempts SET user_id = $1, lab_type = $2, "
                                                  "completion_status = $3, time_spent = $4,"
                                                  " errors_encountered = $5 WHERE id = $6 AND (SELECT "
                                                  "user_found AND lab_found FROM known)"
                                                  " RETURNING id, timestamp"
                                                  ") SELECT attempt_found AND (m.id IS NOT NULL OR NOT "
                                                  "(user_found AND lab_found)), user_found, lab_found,"
                                                  " m.id, m.timestamp, name, description, difficulty FROM "
                                                  "known LEFT JOIN made m ON true",
    .kind = STATEMENT_CHANGE,
    .params = attempt_params,
    .param_count = 6,
    .row = outcome_columns,
    .column_count = COUNT(outcome_columns),
    .row_size = sizeof(struct outcome),
};

static const struct statement list_attempts = {
    .name = "list_attempts",
    .sql = "SELECT a.user_id, a.lab_type, a.completion_status, a.time_spent, a.errors_encountered, a.id, "
           "a.timestamp,"
           " CASE WHEN l.id IS NULL THEN a.lab_type ELSE l.name END,"
           " CASE WHEN l.id IS NULL THEN 'No description available' ELSE l.description END,"
           " CASE WHEN l.id IS NULL THEN 'unknown' ELSE l.difficulty END"
           " FROM lab_attempts a LEFT JOIN " OLDEST_LAB("a.lab_type") " l ON true"
                                                                      " WHERE a.user_id = $1 ORDER BY a.id",
    .kind = STATEMENT_REPORT,
    .params = (const struct column[]){{COLUMN_TEXT, offsetof(struct key, value)}},
    .param_count = 1,
    .row = (const struct column[]){{COLUMN_TEXT, offsetof(struct attempt, user_id)},
                                   {COLUMN_TEXT, offsetof(struct attempt, lab_type)},
                                   {COLUMN_BOOL, offsetof(struct attempt, completion_status)},
                                   {COLUMN_INT, offsetof(struct attempt, time_spent)},
                                   {COLUMN_TEXTS, offsetof(struct attempt, errors_encountered)},
                                   {COLUMN_INT, offsetof(struct attempt, id)},
                                   {COLUMN_TIME, offsetof(struct attempt, timestamp)},
                                   {COLUMN_TEXT, offsetof(struct attempt, lab_name)},
                                   {COLUMN_TEXT, offsetof(struct attempt, lab_description)},
                                   {COLUMN_TEXT, offsetof(struct attempt, lab_difficulty)}},
    .column_count = COUNT(attempt_fields),
    .row_size = sizeof(struct attempt),
};

static const struct statement delete_attempt = {
    .name = "delete_attempt",
    .sql = "DELETE FROM lab_attempts WHERE id = $1 RETURNING id",
    .kind = STATEMENT_CHANGE,
    .params = (const struct column[]){{COLUMN_INT, offsetof(struct attempt_id, id)}},
    .param_count = 1,
    .row = (const struct column[]){{COLUMN_INT, offsetof(struct attempt_id, id)}},
    .column_count = 1,
    .row_size = sizeof(struct attempt_id),
};

/* Replies the attempt as it now is, or what was missing. */
static enum reply reply_outcome(struct request *rq, const struct attempt_in *in,
                                const struct outcome *outcome)
{
    if (!outcome->attempt_found)
        return reply_error(rq, 404, "Lab attempt not found");
    if (!outcome->user_found)
        return reply_error(rq, 404, "User not found");
    if (!outcome->lab_found)
        return reply_errorf(rq, 404, "No labs found for type: %.*s", (int)in->lab_type.len, in->lab_type.at);
    struct attempt attempt = {
        .user_id = in->user_id,
        .lab_type = in->lab_type,
        .completion_status = in->completion_status,
        .time_spent = in->time_spent,
        .errors_encountered = in->errors_encountered,
        .id = outcome->id,
        .timestamp = outcome->timestamp,
        .lab_name = outcome->lab_name,
        .lab_description = outcome->lab_description,
        .lab_difficulty = outcome->lab_difficulty,
    };
    return reply(rq, &attempt_shape, &attempt);
}

enum reply attempts_record(struct request *rq)
{
    const struct attempt_change change = {.in = *(const struct attempt_in *)rq->body};
    struct outcome outcome;

    switch (query_row(rq, &insert_attempt, &change, &outcome)) {
    case QUERY_ROW:
        return reply_outcome(rq, &change.in, &outcome);
    case QUERY_REPLIED:
        return REPLIED;
    default:
        return reply_unavailable(rq);
    }
}

enum reply attempts_update(struct request *rq)
{
    const struct attempt_change change = {.in = *(const struct attempt_in *)rq->body,
                                          .id = ((const struct attempt_id *)rq->path)->id};
    struct outcome outcome;

    switch (query_row(rq, &update_attempt, &change, &outcome)) {
    case QUERY_ROW:
        return reply_outcome(rq, &change.in, &outcome);
    case QUERY_REPLIED:
        return REPLIED;
    default:
        return reply_unavailable(rq);
    }
}

enum reply attempts_list(struct request *rq)
{
    const struct key *key = rq->path;
    struct user user;
    struct rows attempts;

    if (!users_require(rq, key->value, &user) ||
        query_rows(rq, &list_attempts, key, &attempts) == QUERY_REPLIED)
        return REPLIED;
    return reply_list(rq, &attempt_shape, attempts);
}

enum reply attempts_delete(struct request *rq)
{
    struct attempt_id deleted;

    switch (query_row(rq, &delete_attempt, rq->path, &deleted)) {
    case QUERY_ROW:
        return reply_message(rq, "Lab attempt %lld deleted", (long long)deleted.id);
    case QUERY_NONE:
        return reply_error(rq, 404, "Lab attempt not found");
    default:
        return REPLIED;
    }
}
