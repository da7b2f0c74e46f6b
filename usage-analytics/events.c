#include "usage-analytics/events.h"

#include "common/base/declare.h"
#include "common/http/request.h"
#include "common/serve/query.h"
#include "directory/lookup.h"

struct event_in {
    struct text user_id, lab_type, event_type;
    struct kept_json event_data, details;
    bool event_data_sent;
};

static const struct field event_in_fields[] = {
    {.name = "user_id",
     .type = FIELD_TEXT,
     .flags = FIELD_REQUIRED,
     .at = offsetof(struct event_in, user_id),
     .help = "Who did it.",
     .example = "\"269b9e2e-e021-4316-8a59-9a79ff19d828\""},
    {.name = "lab_type",
     .type = FIELD_TEXT,
     .flags = FIELD_REQUIRED,
     .at = offsetof(struct event_in, lab_type),
     .limit = NAME_LIMIT,
     .help = "The type of an existing lab.",
     .example = "\"filesystem\""},
    {.name = "event_type",
     .type = FIELD_TEXT,
     .flags = FIELD_REQUIRED,
     .at = offsetof(struct event_in, event_type),
     .limit = NAME_LIMIT,
     .help = "start, complete, error, or any other.",
     .example = "\"start\""},
    {.name = "event_data",
     .type = FIELD_OBJECT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct event_in, event_data),
     .sent_at = offsetof(struct event_in, event_data_sent),
     .fallback = "{}",
     .help = "Anything; comes back exactly as sent. session_id ties a complete to its start.",
     .example = "{\"session_id\":\"test-session-1\"}"},
    {.name = "details",
     .type = FIELD_OBJECT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct event_in, details),
     .help = "Taken as event_data where that is absent."},
    {.name = "lab_id", .type = FIELD_IGNORED, .help = "Accepted and not kept."},
};

const struct shape event_in_shape = {"UsageEventCreate", "What a user did.", sizeof(struct event_in),
                                     event_in_fields, COUNT(event_in_fields)};

struct event {
    struct event_in in;
    int64_t id;
    struct moment timestamp;
};

static const struct field event_fields[] = {
    {.name = "user_id",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct event, in.user_id),
     .example = "\"269b9e2e-e021-4316-8a59-9a79ff19d828\""},
    {.name = "lab_type",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct event, in.lab_type),
     .example = "\"filesystem\""},
    {.name = "event_type",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct event, in.event_type),
     .example = "\"start\""},
    {.name = "event_data",
     .type = FIELD_OBJECT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct event, in.event_data),
     .example = "{\"session_id\":\"test-session-1\"}"},
    {.name = "id", .type = FIELD_INT, .at = offsetof(struct event, id), .example = "3"},
    {.name = "timestamp",
     .type = FIELD_TIME_Z,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct event, timestamp),
     .example = "\"2025-04-19T08:39:43.599397Z\""},
};

const struct shape event_shape = {"UsageEvent", "An event as it is kept.", sizeof(struct event), event_fields,
                                  COUNT(event_fields)};

struct event_id {
    int64_t id;
};

static const struct field event_id_fields[] = {
    {.name = "event_id", .type = FIELD_INT, .flags = FIELD_REQUIRED, .at = offsetof(struct event_id, id)}};

const struct shape event_id_shape = {"EventId", NULL, sizeof(struct event_id), event_id_fields, 1};

/* An event as the table keeps it: its data is JSON, its null the null of JSON, as the original has it. */
struct event_row {
    struct event_in in;
    struct kept_json data;
    int64_t id;
};

static const struct column event_params[] = {
    {COLUMN_TEXT, offsetof(struct event_row, in.user_id)},
    {COLUMN_TEXT, offsetof(struct event_row, in.lab_type)},
    {COLUMN_TEXT, offsetof(struct event_row, in.event_type)},
    {COLUMN_JSON, offsetof(struct event_row, data)},
    {COLUMN_INT, offsetof(struct event_row, id)},
};

static const struct column event_columns[] = {{COLUMN_INT, offsetof(struct event, id)},
                                              {COLUMN_TIME, offsetof(struct event, timestamp)}};

static const struct statement insert_event = {
    .name = "insert_event",
    .sql = "WITH event AS MATERIALIZED ("
           " SELECT e.*, nextval('usage_events_id_seq')::integer AS id, clock_timestamp() AS at"
           " FROM unnest($1::text[], $2::text[], $3::text[], $4::json[])"
           " WITH ORDINALITY AS e (user_id, lab_type, event_type, event_data, n)"
           "), inserted AS ("
           " INSERT INTO usage_events (id, user_id, lab_type, event_type, event_data, timestamp)"
           " SELECT id, user_id, lab_type, event_type, event_data, at FROM event"
           ") SELECT n, id, at FROM event",
    .kind = STATEMENT_APPEND,
    .set = true,
    .params = event_params,
    .param_count = 4,
    .row = event_columns,
    .column_count = 2,
    .row_size = sizeof(struct event),
};

static const struct statement update_event = {
    .name = "update_event",
    .sql =
        "UPDATE usage_events SET user_id = $1, lab_type = $2, event_type = $3, event_data = $4 WHERE id = $5"
        " RETURNING id, timestamp",
    .kind = STATEMENT_CHANGE,
    .params = event_params,
    .param_count = 5,
    .row = event_columns,
    .column_count = 2,
    .row_size = sizeof(struct event),
};

static const struct statement delete_event = {
    .name = "delete_event",
    .sql = "DELETE FROM usage_events WHERE id = $1 RETURNING id",
    .kind = STATEMENT_CHANGE,
    .params = (const struct column[]){{COLUMN_INT, offsetof(struct event_id, id)}},
    .param_count = 1,
    .row = (const struct column[]){{COLUMN_INT, offsetof(struct event_id, id)}},
    .column_count = 1,
    .row_size = sizeof(struct event_id),
};

/* Writes an event that has a user and a lab, and replies it as it now is. */
static enum reply store(struct request *rq, const struct statement *statement, int64_t id)
{
    struct event_row row = {.in = *(const struct event_in *)rq->body, .id = id};
    struct event event;

    if (!row.in.event_data_sent && row.in.details.bytes.at)
        row.in.event_data = row.in.details;
    row.data.bytes = row.in.event_data.bytes.at ? row.in.event_data.bytes : TEXT("null");
    if (!lookup_require(rq, row.in.user_id, row.in.lab_type))
        return REPLIED;
    switch (query_row(rq, statement, &row, &event)) {
    case QUERY_ROW:
        event.in = row.in;
        return reply(rq, &event_shape, &event);
    case QUERY_NONE:
        return reply_error(rq, 404, "Event not found");
    default:
        return REPLIED;
    }
}

enum reply events_record(struct request *rq)
{
    return store(rq, &insert_event, 0);
}

enum reply events_update(struct request *rq)
{
    return store(rq, &update_event, ((const struct event_id *)rq->path)->id);
}

enum reply events_delete(struct request *rq)
{
    struct event_id deleted;

    switch (query_row(rq, &delete_event, rq->path, &deleted)) {
    case QUERY_ROW:
        return reply_message(rq, "Event %lld deleted", (long long)deleted.id);
    case QUERY_NONE:
        return reply_error(rq, 404, "Event not found");
    default:
        return REPLIED;
    }
}
