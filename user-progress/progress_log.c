#include "user-progress/progress_log.h"

#include "common/auth/auth.h"
#include "common/base/iso8601.h"
#include "common/http/request.h"
#include "common/serve/pages.h"
#include "common/serve/query.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/shape/declare.h"
#include "directory/directory.h"
#include "user-progress/entry.h"
#include "user-progress/progress_change.h"
#include "user-progress/progress_log.sql.h"
#include "user-progress/user_service.h"

/* Parameters of a new entry. */
struct creation {
    struct progress_entry entry;
    struct text actor;
    int8_t user_known; /* another service has confirmed the user */
    int64_t id;
};

#define OF struct creation
static const struct field created_fields[] = {
    FIXED("message", "\"Progress logged successfully\""),
    FIELD(INT, id, .example = "7"),
};

const struct shape log_created_shape = SHAPE("ProgressLogged", NULL, created_fields);
#undef OF

struct as_of {
    struct text as_of;
};

#define OF struct as_of
static const struct field as_of_fields[] = {
    FIELD(TEXT, as_of,
          .help = "Show the entries as they were at this time: 2025-04-19T08:30:38.538812, UTC unless Z or "
                  "an offset follows."),
};

const struct shape as_of_shape = SHAPE("AsOf", NULL, as_of_fields);
#undef OF

struct log_list {
    struct rows progress_logs;
};

#define OF struct log_list
static const struct field log_list_fields[] = {
    FIELD(LIST, progress_logs, .of = &entry_shape, .help = "In the order of their ids."),
};

const struct shape log_list_shape = SHAPE("ProgressLogs", "A user's entries.", log_list_fields);
#undef OF

struct log_event {
    int64_t version;
    struct moment recorded_at;
    struct text type, actor;
    struct progress_entry entry;
    struct kept_json printed; /* the entry; null after a deletion */
};

#define OF struct log_event
static const struct field log_event_fields[] = {
    FIELD_NAMED(INT, "log_id", entry.log_id, .example = "7"),
    FIELD(INT, version, .example = "1"),
    FIELD(TEXT, type, .help = "created, updated, deleted or restored.", .example = "\"created\""),
    FIELD(TIME_NAIVE, recorded_at, .help = "UTC.", .example = "\"2025-04-19T08:30:38.538812\""),
    FIELD(TEXT, actor, .flags = FIELD_NULLABLE, .help = "The `sub` of the token.",
          .example = "\"auth0|7be06c80\""),
    FIELD_NAMED(OBJECT, "entry", printed, .flags = FIELD_NULLABLE, .of = &entry_shape,
                .help = "The entry after the event; null after a deletion."),
};

/* The history of one entry does not repeat its id. */
const struct shape log_event_shape = {"ProgressLogEvent", "An event of an entry.", sizeof(OF),
                                      log_event_fields + 1, COUNT(log_event_fields) - 1};
static const struct shape person_event_shape =
    SHAPE("PersonLogEvent", "An event of an entry of a person.", log_event_fields);
#undef OF

/* A page of an entry's events. */
struct events_after {
    int64_t log_id, version, limit;
};

STATEMENT(create_entry, APPEND, .set = true,
          PARAMS(struct creation, entry.user_id, entry.date, entry.members, actor, user_known),
          ROW(struct creation, id));
STATEMENT(list_entries, REPORT, PARAMS(struct entries_after, user_id, log_id, limit),
          ROW(struct progress_entry, log_id, user_id, date, members));
STATEMENT(list_entries_as_of, REPORT, PARAMS(struct entries_after, user_id, log_id, limit, at),
          ROW(struct progress_entry, log_id, user_id, date, members));
STATEMENT(list_events, REPORT, PARAMS(struct events_after, log_id, version, limit),
          ROW(struct log_event, version, type, recorded_at, actor, entry.log_id, entry.user_id, entry.date,
              entry.members));

STATEMENT(list_person_events, REPORT, PARAMS(struct person_after, user_id, id, version, limit),
          ROW(struct log_event, version, type, recorded_at, actor, entry.log_id, entry.user_id, entry.date,
              entry.members));

enum reply progress_log_create(struct request *rq)
{
    struct creation in = {.actor = rq->subject}, made;

    if (!entry_read(rq, &in.entry) || !auth_require_user(rq, in.entry.user_id))
        return REPLIED;
    if (rq->worker->settings->directory.user_service_url) {
        if (!user_service_require(rq, in.entry.user_id))
            return REPLIED;
        in.user_known = 1;
    }
    switch (query_row(rq, &create_entry, &in, &made)) {
    case QUERY_ROW:
        break;
    case QUERY_REPLIED:
        return REPLIED;
    default:
        return reply_unavailable(rq);
    }
    if (made.id == INT_NULL)
        return reply_member(rq, 400, "message", NO_SUCH_USER);
    return reply(rq, &log_created_shape, &made);
}

struct pages progress_log_pages(struct request *rq, struct entries_after *after)
{
    return pages_of(rq, &list_entries, after, &after->limit);
}

enum reply progress_log_list(struct request *rq)
{
    struct text as_of = ((const struct as_of *)rq->query)->as_of;
    struct entries_after after = {.user_id = ((const struct user_path *)rq->path)->user_id,
                                  .log_id = PAGES_BEFORE_ALL};

    if (!auth_require_user(rq, after.user_id))
        return REPLIED;
    if (as_of.at && !iso8601_read_time(as_of, &after.at))
        return reply_member(rq, 400, "error", "as_of must be a time such as 2025-04-19T08:30:38Z");
    struct pages pages =
        as_of.at ? pages_of(rq, &list_entries_as_of, &after, &after.limit) : progress_log_pages(rq, &after);
    if (pages_next(&pages) == QUERY_REPLIED)
        return REPLIED;
    reply_text(rq, 200, "application/json", TEXT("{\"progress_logs\":["));
    for (; pages.rows.count; pages_next(&pages)) {
        const struct progress_entry *rows = pages.rows.items;
        after.log_id = rows[pages.rows.count - 1].log_id;
        shape_write_items(&rq->out, &entry_shape, pages.rows, pages.first);
    }
    return pages_end(&pages, "]}");
}

/* Prints the entries of a page; false: no memory. */
static bool print_entries(struct pages *page)
{
    struct log_event *event = page->rows.items;

    for (size_t i = 0; i < page->rows.count; i++, event++) {
        bool deleted = !event->entry.members.bytes.at;
        event->printed.bytes = deleted ? TEXT_NULL : entry_print(&page->arena, &event->entry);
        if (!deleted && !event->printed.bytes.at)
            return false;
    }
    return true;
}

const struct person_rows entries_of_person = {"progress_event",
                                              &list_person_events,
                                              &person_event_shape,
                                              offsetof(struct log_event, entry.log_id),
                                              offsetof(struct log_event, version),
                                              print_entries};

enum reply progress_log_history(struct request *rq)
{
    struct log_path path;

    if (!log_reach(rq, &path))
        return REPLIED;
    struct events_after after = {.log_id = path.log_id, .version = PAGES_BEFORE_ALL};
    struct pages pages = pages_of(rq, &list_events, &after, &after.limit);
    switch (pages_next(&pages)) {
    case QUERY_ROW:
        break;
    case QUERY_NONE:
        return reply_member(rq, 404, "error", "Log entry not found");
    default:
        return REPLIED;
    }
    reply_list_begin(rq);
    for (; pages.rows.count; pages_next(&pages)) {
        after.version = ((const struct log_event *)pages.rows.items)[pages.rows.count - 1].version;
        if (!print_entries(&pages)) {
            reply_unavailable(rq);
            pages.failed = true;
            break;
        }
        shape_write_items(&rq->out, &log_event_shape, pages.rows, pages.first);
    }
    return pages_end(&pages, "]");
}
