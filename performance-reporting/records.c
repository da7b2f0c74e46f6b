#include "performance-reporting/records.h"

#include "common/auth/auth.h"
#include "common/http/request.h"
#include "common/items/export.h"
#include "common/items/ingest.h"
#include "common/items/list.h"
#include "common/serve/query.h"
#include "common/shape/declare.h"
#include "directory/lookup.h"
#include "performance-reporting/records.sql.h"

struct record {
    struct text user_id, lab_type;
    int64_t completion_time;
    int8_t success;
    struct texts errors;
    struct kept_json resources_used;
    int64_t id;
    struct moment timestamp;
    struct kept_json printed_errors; /* as stored in the table */
    struct text client_id, told_time;
    struct moment received_at;
    int8_t mark; /* marks the last row that was read for a page (common/items/list.h) */
};

#define OF struct record
static const struct field record_in_fields[] = {
    FIELD(TEXT, user_id, .flags = FIELD_REQUIRED, .help = "The user who tried.",
          .example = "\"dc1a707b-d1f6-4c99-b7c5-544a16afbd9d\""),
    FIELD(TEXT, lab_type, .flags = FIELD_REQUIRED, .limit = NAME_LIMIT,
          .help = "The type of an existing lab.", .example = "\"filesystem\""),
    FIELD(INT, completion_time, .flags = FIELD_REQUIRED, .help = "Seconds.", .example = "295"),
    FIELD(BOOL, success, .flags = FIELD_REQUIRED, .example = "true"),
    FIELD(TEXTS, errors, .flags = FIELD_NULLABLE, .fallback = "[]",
          .help = "In the order in which they occurred.", .example = "[\"permission_denied\"]"),
    FIELD(INT_MAP, resources_used, .flags = FIELD_NULLABLE, .fallback = "{}",
          .help = "Amounts, under any names.", .example = "{\"cpu\":5}"),
    IGNORED("lab_id", .help = "Accepted and not kept."),
    IGNORED("score", .help = "Accepted and not kept.", .example = "85"),
    IGNORED("errors_made", .help = "Accepted and not kept.", .example = "3"),
    INGEST_FIELDS("\"2025-04-19T08:38:25.379Z\""),
};

const struct shape record_in_shape =
    SHAPE_BUT(2, "PerformanceRecordCreate", "How an attempt went.", record_in_fields);
const struct shape record_item_shape =
    SHAPE("PerformanceRecordItem", "The result of an attempt and its time; one of many.", record_in_fields);

static const struct field record_fields[] = {
    FIELD(TEXT, user_id, .flags = FIELD_NULLABLE, .example = "\"dc1a707b-d1f6-4c99-b7c5-544a16afbd9d\""),
    FIELD(TEXT, lab_type, .flags = FIELD_NULLABLE, .example = "\"filesystem\""),
    FIELD(INT, completion_time, .flags = FIELD_NULLABLE, .help = "Seconds.", .example = "295"),
    FIELD(BOOL, success, .flags = FIELD_NULLABLE, .example = "true"),
    FIELD_NAMED(KEPT_LIST, "errors", printed_errors, .flags = FIELD_NULLABLE, .example = "[]"),
    FIELD(INT_MAP, resources_used, .flags = FIELD_NULLABLE, .example = "{}"),
    FIELD(INT, id, .example = "2"),
    FIELD(TIME_Z, timestamp, .flags = FIELD_NULLABLE, .example = "\"2025-04-19T08:38:25.379893Z\""),
    LISTED_FIELDS(TIME_Z, "\"2025-04-19T08:41:07.220114Z\""),
};

const struct shape record_shape = SHAPE_BUT(2, "PerformanceRecord", "A record as it is kept.", record_fields);
const struct shape listed_record_shape =
    SHAPE("ListedPerformanceRecord", "A record as it is stored, and how it was sent.", record_fields);
#undef OF

struct record_path {
    int64_t performance_id;
};

#define OF struct record_path
static const struct field record_path_fields[] = {
    FIELD(INT, performance_id, ROW_ID, .flags = FIELD_REQUIRED)};
const struct shape record_path_shape = SHAPE("PerformanceId", NULL, record_path_fields);
#undef OF

/* The filter that only this list and this export have. */
#define SUCCESS FIELD_NAMED(BOOL, "success", passed, .help = "Only attempts that succeeded, or that did not.")

#define OF struct list_query
static const struct field records_query_fields[] = {
    LIST_FIELDS,
    SUCCESS,
};
const struct shape records_query_shape = SHAPE("PerformanceRecordPageQuery", NULL, records_query_fields);
#undef OF

#define OF struct export_query
static const struct field records_export_fields[] = {
    EXPORT_FIELDS,
    SUCCESS,
};
const struct shape records_export_shape = SHAPE("PerformanceRecordExportQuery", NULL, records_export_fields);
#undef OF

#define OF struct list_page
static const struct field records_page_fields[] = {LIST_PAGE_FIELDS(listed_record_shape)};
const struct shape records_page_shape =
    SHAPE("PerformanceRecordPage", "Performance records.", records_page_fields);
#undef OF

STATEMENT(insert_record, APPEND, .set = true,
          PARAMS(struct record, user_id, lab_type, completion_time, success, printed_errors, resources_used),
          ROW(struct record, id, timestamp));
STATEMENT(draw_record_ids, INGEST, PARAMS(struct ingest_draw, count), ROW(struct ingest_id, id));
STATEMENT(insert_records, INGEST, .of_rows = true,
          PARAMS(struct record, id, user_id, lab_type, completion_time, success, printed_errors,
                 resources_used, timestamp, client_id, received_at),
          ROW(struct ingest_id, id));
STATEMENT(find_records_sent, INGEST, PARAMS(struct ingest_find, client_ids),
          ROW(struct ingest_known, client_id, user_id, lab_type, kind, id));
STATEMENT(get_record, READ, .large = true, PARAMS(struct record_path, performance_id),
          ROW(struct record, user_id, lab_type, completion_time, success, printed_errors, resources_used, id,
              timestamp));
STATEMENT(export_records, EXPORT, .planned_anew = true,
          PARAMS(struct export_params, order, user_id, lab_type, client_id, from, to, passed, after_id),
          ROW(struct record, user_id, lab_type, completion_time, success, printed_errors, resources_used, id,
              timestamp, client_id, received_at));
STATEMENT(list_records, REPORT, .planned_anew = true,
          PARAMS(struct list_params, order, lead, rest, low_at, low_id, high_at, high_id, look_at, user_id,
                 client_id, lab_type, from, to, passed, limit),
          ROW(struct record, mark, user_id, lab_type, completion_time, success, printed_errors,
              resources_used, id, timestamp, client_id, received_at));
STATEMENT(update_record, CHANGE,
          PARAMS(struct record, user_id, lab_type, completion_time, success, printed_errors, resources_used,
                 id),
          ROW(struct record, id, timestamp));
STATEMENT(delete_record, CHANGE, PARAMS(struct record_path, performance_id),
          ROW(struct record_path, performance_id));

/* Prints the errors of an item as the table stores them; false: no memory. */
static bool print_errors(struct request *rq, void *item)
{
    struct record *record = item;
    struct writer errors = writer_start(&rq->arena);

    write_json_texts(&errors, record->errors);
    record->printed_errors.bytes = (struct text){errors.at, errors.len};
    return !errors.failed;
}

/* Writes the record of the body, whose user and lab were found, and replies with the stored record. */
static enum reply store(struct request *rq, const struct statement *statement, int64_t id)
{
    struct record in = *(const struct record *)rq->body, kept;

    if (!print_errors(rq, &in))
        return reply_unavailable(rq);
    in.id = id;
    kept = in;
    if (!lookup_require(rq, in.user_id, in.lab_type))
        return REPLIED;
    return query_reply(rq, statement, &in, &kept, &record_shape, "Performance record not found");
}

enum reply records_create(struct request *rq)
{
    return store(rq, &insert_record, INT_NULL);
}

enum reply records_get(struct request *rq)
{
    struct record record;

    if (!query_found(rq, &get_record, rq->path, &record, "Performance record not found") ||
        !auth_require_user(rq, record.user_id))
        return REPLIED;
    return reply(rq, &record_shape, &record);
}

enum reply records_create_many(struct request *rq)
{
    static const struct ingest records =
        INGEST(struct record, .item = &record_item_shape, .draw = &draw_record_ids, .insert = &insert_records,
               .find = &find_records_sent, .prepare = print_errors, .look_up = lookup_all,
               .no_lab = "Lab type not found", .other = "client_id is another record",
               .index = TEXT("user_performance_client_id"), .form = TIME_Z);

    return ingest_reply(rq, &records);
}

enum reply records_export(struct request *rq)
{
    static const struct export export = {&export_records, &listed_record_shape, "performance-records",
                                         offsetof(struct record, id)};

    return export_reply(rq, &export);
}

enum reply records_list(struct request *rq)
{
    static const struct list list = LIST(struct record, list_records, records_page_shape, .outcomes = true);

    return list_reply(rq, &list);
}

enum reply records_update(struct request *rq)
{
    return store(rq, &update_record, ((const struct record_path *)rq->path)->performance_id);
}

enum reply records_delete(struct request *rq)
{
    struct record_path deleted;

    switch (query_row(rq, &delete_record, rq->path, &deleted)) {
    case QUERY_ROW:
        return reply_message(rq, arena_printf(&rq->arena, "Performance record %lld deleted",
                                              (long long)deleted.performance_id));
    case QUERY_NONE:
        return reply_error(rq, 404, "Performance record not found");
    default:
        return REPLIED;
    }
}
