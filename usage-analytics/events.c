#include "usage-analytics/events.h"

#include "common/auth/auth.h"
#include "common/http/request.h"
#include "common/items/export.h"
#include "common/items/ingest.h"
#include "common/items/list.h"
#include "common/serve/query.h"
#include "common/shape/declare.h"
#include "directory/lookup.h"
#include "usage-analytics/events.sql.h"

struct event {
    struct text user_id, lab_type, event_type;
    struct kept_json event_data, details;
    int8_t event_data_sent;
    int64_t id;
    struct moment timestamp;
    struct text client_id, told_time;
    struct moment received_at;
    int8_t mark; /* marks the last row that was read for a page (common/items/list.h) */
};

#define OF struct event
static const struct field event_in_fields[] = {
    FIELD(TEXT, user_id, .flags = FIELD_REQUIRED, .help = "The user who did it.",
          .example = "\"269b9e2e-e021-4316-8a59-9a79ff19d828\""),
    FIELD(TEXT, lab_type, .flags = FIELD_REQUIRED, .limit = NAME_LIMIT,
          .help = "The type of an existing lab.", .example = "\"filesystem\""),
    FIELD(TEXT, event_type, .flags = FIELD_REQUIRED, .limit = NAME_LIMIT,
          .help = "start, complete, error, or any other word.", .example = "\"start\""),
    FIELD(OBJECT, event_data, SENT(event_data_sent), .flags = FIELD_NULLABLE, .fallback = "{}",
          .help = "Any object; returned exactly as sent. session_id connects a complete with its start.",
          .example = "{\"session_id\":\"test-session-1\"}"),
    FIELD(OBJECT, details, .flags = FIELD_NULLABLE, .help = "Used as event_data if that is absent."),
    IGNORED("lab_id", .help = "Accepted and not kept."),
    INGEST_FIELDS("\"2025-04-19T08:39:43.599Z\""),
};

const struct shape event_in_shape = SHAPE_BUT(2, "UsageEventCreate", "What a user did.", event_in_fields);
const struct shape event_item_shape =
    SHAPE("UsageEventItem", "What a user did and when; one of many.", event_in_fields);

static const struct field event_fields[] = {
    FIELD(TEXT, user_id, .flags = FIELD_NULLABLE, .example = "\"269b9e2e-e021-4316-8a59-9a79ff19d828\""),
    FIELD(TEXT, lab_type, .flags = FIELD_NULLABLE, .example = "\"filesystem\""),
    FIELD(TEXT, event_type, .flags = FIELD_NULLABLE, .example = "\"start\""),
    FIELD(OBJECT, event_data, .flags = FIELD_NULLABLE, .example = "{\"session_id\":\"test-session-1\"}"),
    FIELD(INT, id, .example = "3"),
    FIELD(TIME_Z, timestamp, .flags = FIELD_NULLABLE, .example = "\"2025-04-19T08:39:43.599397Z\""),
    LISTED_FIELDS(TIME_Z, "\"2025-04-19T08:41:07.220114Z\""),
};

const struct shape event_shape = SHAPE_BUT(2, "UsageEvent", "An event as it is stored.", event_fields);
const struct shape listed_event_shape =
    SHAPE("ListedUsageEvent", "An event as it is stored, and how it was sent.", event_fields);
#undef OF

struct event_path {
    int64_t event_id;
};

#define OF struct event_path
static const struct field event_path_fields[] = {FIELD(INT, event_id, ROW_ID, .flags = FIELD_REQUIRED)};
const struct shape event_path_shape = SHAPE("EventId", NULL, event_path_fields);
#undef OF

/* The filter that only this list and this export have. */
#define EVENT_TYPE FIELD_NAMED(TEXT, "event_type", kind, .help = "Only events of this type.")

#define OF struct list_query
static const struct field events_query_fields[] = {
    LIST_FIELDS,
    EVENT_TYPE,
};
const struct shape events_query_shape = SHAPE("UsageEventPageQuery", NULL, events_query_fields);
#undef OF

#define OF struct export_query
static const struct field events_export_fields[] = {
    EXPORT_FIELDS,
    EVENT_TYPE,
};
const struct shape events_export_shape = SHAPE("UsageEventExportQuery", NULL, events_export_fields);
#undef OF

#define OF struct list_page
static const struct field events_page_fields[] = {LIST_PAGE_FIELDS(listed_event_shape)};
const struct shape events_page_shape = SHAPE("UsageEventPage", "Usage events.", events_page_fields);
#undef OF

STATEMENT(insert_event, APPEND, .set = true, PARAMS(struct event, user_id, lab_type, event_type, event_data),
          ROW(struct event, id, timestamp));
STATEMENT(draw_event_ids, INGEST, PARAMS(struct ingest_draw, count), ROW(struct ingest_id, id));
STATEMENT(insert_events, INGEST, .of_rows = true,
          PARAMS(struct event, id, user_id, lab_type, event_type, event_data, timestamp, client_id,
                 received_at),
          ROW(struct ingest_id, id));
STATEMENT(find_events_sent, INGEST, PARAMS(struct ingest_find, client_ids),
          ROW(struct ingest_known, client_id, user_id, lab_type, kind, id));
STATEMENT(get_event, READ, .large = true, PARAMS(struct event_path, event_id),
          ROW(struct event, user_id, lab_type, event_type, event_data, id, timestamp));
STATEMENT(export_events, EXPORT, .planned_anew = true,
          PARAMS(struct export_params, order, user_id, lab_type, client_id, from, to, kind, after_id),
          ROW(struct event, user_id, lab_type, event_type, event_data, id, timestamp, client_id,
              received_at));
STATEMENT(list_events, REPORT, .planned_anew = true,
          PARAMS(struct list_params, order, lead, rest, low_at, low_id, high_at, high_id, look_at, user_id,
                 client_id, lab_type, from, to, kind, limit),
          ROW(struct event, mark, user_id, lab_type, event_type, event_data, id, timestamp, client_id,
              received_at));
STATEMENT(update_event, CHANGE, PARAMS(struct event, user_id, lab_type, event_type, event_data, id),
          ROW(struct event, id, timestamp));
STATEMENT(delete_event, CHANGE, PARAMS(struct event_path, event_id), ROW(struct event_path, event_id));

static void take_details(struct event *event)
{
    if (!event->event_data_sent && event->details.bytes.at)
        event->event_data = event->details;
}

/* Writes the event of the body, whose user and lab were found, and replies with the stored event. */
static enum reply store(struct request *rq, const struct statement *statement, int64_t id)
{
    struct event in = *(const struct event *)rq->body, kept;

    take_details(&in);
    in.id = id;
    kept = in;
    if (!lookup_require(rq, in.user_id, in.lab_type))
        return REPLIED;
    return query_reply(rq, statement, &in, &kept, &event_shape, "Event not found");
}

enum reply events_record(struct request *rq)
{
    return store(rq, &insert_event, INT_NULL);
}

enum reply events_get(struct request *rq)
{
    struct event event;

    if (!query_found(rq, &get_event, rq->path, &event, "Event not found") ||
        !auth_require_user(rq, event.user_id))
        return REPLIED;
    return reply(rq, &event_shape, &event);
}

static bool prepare(struct request *rq, void *item)
{
    (void)rq;
    take_details(item);
    return true;
}

enum reply events_record_many(struct request *rq)
{
    static const struct ingest events =
        INGEST(struct event, .item = &event_item_shape, .draw = &draw_event_ids, .insert = &insert_events,
               .find = &find_events_sent, .kind = offsetof(struct event, event_type), .prepare = prepare,
               .look_up = lookup_all, .no_lab = "Lab type not found", .other = "client_id is another event",
               .index = TEXT("usage_events_client_id"), .form = TIME_Z);

    return ingest_reply(rq, &events);
}

enum reply events_export(struct request *rq)
{
    static const struct export export = {&export_events, &listed_event_shape, "usage-events",
                                         offsetof(struct event, id)};

    return export_reply(rq, &export);
}

enum reply events_list(struct request *rq)
{
    static const char *const frequent[] = {"start", "complete", NULL};
    static const struct list list = LIST(struct event, list_events, events_page_shape, .frequent = frequent);

    return list_reply(rq, &list);
}

enum reply events_update(struct request *rq)
{
    return store(rq, &update_event, ((const struct event_path *)rq->path)->event_id);
}

enum reply events_delete(struct request *rq)
{
    struct event_path deleted;

    switch (query_row(rq, &delete_event, rq->path, &deleted)) {
    case QUERY_ROW:
        return reply_message(rq, arena_printf(&rq->arena, "Event %lld deleted", (long long)deleted.event_id));
    case QUERY_NONE:
        return reply_error(rq, 404, "Event not found");
    default:
        return REPLIED;
    }
}
