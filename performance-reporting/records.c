#include "performance-reporting/records.h"

#include "common/base/declare.h"
#include "common/http/request.h"
#include "common/serve/query.h"
#include "directory/lookup.h"

struct record_in {
    struct text user_id, lab_type;
    int64_t completion_time;
    int8_t success;
    struct texts errors;
    struct kept_json resources_used;
};

static const struct field record_in_fields[] = {
    {.name = "user_id",
     .type = FIELD_TEXT,
     .flags = FIELD_REQUIRED,
     .at = offsetof(struct record_in, user_id),
     .help = "Who tried.",
     .example = "\"dc1a707b-d1f6-4c99-b7c5-544a16afbd9d\""},
    {.name = "lab_type",
     .type = FIELD_TEXT,
     .flags = FIELD_REQUIRED,
     .at = offsetof(struct record_in, lab_type),
     .limit = NAME_LIMIT,
     .help = "The type of an existing lab.",
     .example = "\"filesystem\""},
    {.name = "completion_time",
     .type = FIELD_INT,
     .flags = FIELD_REQUIRED,
     .at = offsetof(struct record_in, completion_time),
     .help = "Seconds.",
     .example = "295"},
    {.name = "success",
     .type = FIELD_BOOL,
     .flags = FIELD_REQUIRED,
     .at = offsetof(struct record_in, success),
     .example = "true"},
    {.name = "errors",
     .type = FIELD_TEXTS,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct record_in, errors),
     .fallback = "[]",
     .help = "In the order they came up.",
     .example = "[\"permission_denied\"]"},
    {.name = "resources_used",
     .type = FIELD_INT_MAP,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct record_in, resources_used),
     .fallback = "{}",
     .help = "Amounts by any names.",
     .example = "{\"cpu\":5}"},
    {.name = "lab_id", .type = FIELD_IGNORED, .help = "Accepted and not kept."},
    {.name = "score", .type = FIELD_IGNORED, .help = "Accepted and not kept.", .example = "85"},
    {.name = "errors_made", .type = FIELD_IGNORED, .help = "Accepted and not kept.", .example = "3"},
};

const struct shape record_in_shape = {"PerformanceRecordCreate", "How an attempt went.",
                                      sizeof(struct record_in), record_in_fields, COUNT(record_in_fields)};

struct record {
    struct record_in in;
    int64_t id;
    struct moment timestamp;
};

static const struct field record_fields[] = {
    {.name = "user_id",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct record, in.user_id),
     .example = "\"dc1a707b-d1f6-4c99-b7c5-544a16afbd9d\""},
    {.name = "lab_type",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct record, in.lab_type),
     .example = "\"filesystem\""},
    {.name = "completion_time",
     .type = FIELD_INT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct record, in.completion_time),
     .help = "Seconds.",
     .example = "295"},
    {.name = "success",
     .type = FIELD_BOOL,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct record, in.success),
     .example = "true"},
    {.name = "errors",
     .type = FIELD_TEXTS,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct record, in.errors),
     .example = "[]"},
    {.name = "resources_used",
     .type = FIELD_INT_MAP,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct record, in.resources_used),
     .example = "{}"},
    {.name = "id", .type = FIELD_INT, .at = offsetof(struct record, id), .example = "2"},
    {.name = "timestamp",
     .type = FIELD_TIME_Z,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct record, timestamp),
     .example = "\"2025-04-19T08:38:25.379893Z\""},
};

const struct shape record_shape = {"PerformanceRecord", "A record as it is kept.", sizeof(struct record),
                                   record_fields, COUNT(record_fields)};

struct record_id {
    int64_t id;
};

static const struct field record_id_fields[] = {{.name = "performance_id",
                                                 .type = FIELD_INT,
                                                 .flags = FIELD_REQUIRED,
                                                 .at = offsetof(struct record_id, id)}};

const struct shape record_id_shape = {"PerformanceId", NULL, sizeof(struct record_id), record_id_fields, 1};

/* A record as the table keeps it: lists and objects are JSON, their null the null of JSON, as the original
 * has it. */
struct record_row {
    struct record_in in;
    struct kept_json errors, resources_used;
    int64_t id;
};

static const struct column record_params[] = {
    {COLUMN_TEXT, offsetof(struct record_row, in.user_id)},
    {COLUMN_TEXT, offsetof(struct record_row, in.lab_type)},
    {COLUMN_INT, offsetof(struct record_row, in.completion_time)},
    {COLUMN_BOOL, offsetof(struct record_row, in.success)},
    {COLUMN_JSON, offsetof(struct record_row, errors)},
    {COLUMN_JSON, offsetof(struct record_row, resources_used)},
    {COLUMN_INT, offsetof(struct record_row, id)},
};

static const struct column record_columns[] = {{COLUMN_INT, offsetof(struct record, id)},
                                               {COLUMN_TIME, offsetof(struct record, timestamp)}};

static const struct statement insert_record = {
    .name = "insert_record",
    .sql = "WITH record AS MATERIALIZED ("
           " SELECT r.*, nextval('user_performance_id_seq')::integer AS id, clock_timestamp() AS at"
           " FROM unnest($1::text[], $2::text[], $3::int8[], $4::bool[], $5::json[], $6::json[])"
           " WITH ORDINALITY AS r (user_id, lab_type, completion_time, success, errors, resources_used, n)"
           "), inserted AS ("
           " INSERT INTO user_performance"
           " (id, user_id, lab_type, completion_time, success, errors, resources_used, timestamp)"
           " SELECT id, user_id, lab_type, completion_time::integer, success, errors, resources_used, at "
           "FROM record"
           ") SELECT n, id, at FROM record",
    .kind = STATEMENT_APPEND,
    .set = true,
    .params = record_params,
    .param_count = 6,
    .row = record_columns,
    .column_count = 2,
    .row_size = sizeof(struct record),
};

static const struct statement update_record = {
    .name = "update_record",
    .sql = "UPDATE user_performance SET user_id = $1, lab_type = $2, completion_time = $3, success = $4, "
           "errors = $5,"
           " resources_used = $6 WHERE id = $7 RETURNING id, timestamp",
    .kind = STATEMENT_CHANGE,
    .params = record_params,
    .param_count = 7,
    .row = record_columns,
    .column_count = 2,
    .row_size = sizeof(struct record),
};

static const struct statement delete_record = {
    .name = "delete_record",
    .sql = "DELETE FROM user_performance WHERE id = $1 RETURNING id",
    .kind = STATEMENT_CHANGE,
    .params = (const struct column[]){{COLUMN_INT, offsetof(struct record_id, id)}},
    .param_count = 1,
    .row = (const struct column[]){{COLUMN_INT, offsetof(struct record_id, id)}},
    .column_count = 1,
    .row_size = sizeof(struct record_id),
};

/* Writes a row that has a user and a lab, and replies it as it now is. */
static enum reply store(struct request *rq, const struct statement *statement, int64_t id)
{
    struct record_row row = {.in = *(const struct record_in *)rq->body, .id = id};
    struct writer errors = writer_start(&rq->arena);
    struct record record;

    write_json_texts(&errors, row.in.errors);
    row.errors.bytes = (struct text){errors.at, errors.len};
    row.resources_used.bytes = row.in.resources_used.bytes.at ? row.in.resources_used.bytes : TEXT("null");
    if (errors.failed)
        return reply_unavailable(rq);
    if (!lookup_require(rq, row.in.user_id, row.in.lab_type))
        return REPLIED;
    switch (query_row(rq, statement, &row, &record)) {
    case QUERY_ROW:
        record.in = row.in;
        return reply(rq, &record_shape, &record);
    case QUERY_NONE:
        return reply_error(rq, 404, "Performance record not found");
    default:
        return REPLIED;
    }
}

enum reply records_create(struct request *rq)
{
    return store(rq, &insert_record, 0);
}

enum reply records_update(struct request *rq)
{
    return store(rq, &update_record, ((const struct record_id *)rq->path)->id);
}

enum reply records_delete(struct request *rq)
{
    struct record_id deleted;

    switch (query_row(rq, &delete_record, rq->path, &deleted)) {
    case QUERY_ROW:
        return reply_message(rq, "Performance record %lld deleted", (long long)deleted.id);
    case QUERY_NONE:
        return reply_error(rq, 404, "Performance record not found");
    default:
        return REPLIED;
    }
}
