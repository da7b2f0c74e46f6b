#include "user-progress/progress_log.h"

#include "common/auth/auth.h"
#include "common/base/declare.h"
#include "common/base/iso8601.h"
#include "common/http/request.h"
#include "common/serve/query.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "directory/directory.h"
#include "user-progress/entry.h"
#include "user-progress/user_service.h"

#define LOG_ID_DIGITS 10 /* of INT32_MAX */

/* What comes in */

static const struct field log_id_fields[] = {
    {.name = "log_id", .type = FIELD_TEXT, .flags = FIELD_REQUIRED, .example = "\"7\""}};

const struct shape log_id_shape = {"LogId", NULL, sizeof(struct key), log_id_fields, 1};

static const struct field as_of_fields[] = {
    {.name = "as_of",
     .type = FIELD_TEXT,
     .help =
         "Show the entries as they stood then: 2025-04-19T08:30:38.538812, with Z or an offset behind it, "
         "else UTC."}};

const struct shape as_of_shape = {"AsOf", NULL, sizeof(struct key), as_of_fields, 1};

static const struct field version_fields[] = {{.name = "version",
                                               .type = FIELD_INT,
                                               .flags = FIELD_REQUIRED,
                                               .min = 1,
                                               .max = INT32_MAX,
                                               .help = "The version to go back to.",
                                               .example = "1"}};

const struct shape version_shape = {"ProgressLogRollback", NULL, sizeof(int64_t), version_fields, 1};

/* What goes out */

static const struct field log_created_fields[] = {
    {.name = "message", .type = FIELD_CONST, .example = "\"Progress logged successfully\""},
    {.name = "id", .type = FIELD_INT, .example = "7"},
};

const struct shape log_created_shape = {"ProgressLogged", NULL, sizeof(int64_t), log_created_fields, 2};

static const struct field log_list_fields[] = {
    {.name = "progress_logs", .type = FIELD_LIST, .of = &entry_shape, .help = "In the order of their ids."}};

const struct shape log_list_shape = {"ProgressLogs", "A user's entries.", sizeof(struct rows),
                                     log_list_fields, 1};

static const struct field log_updated_fields[] = {
    {.name = "message", .type = FIELD_CONST, .example = "\"Progress log updated\""},
    {.name = "updated_log", .type = FIELD_OBJECT, .of = &entry_shape},
};

const struct shape log_updated_shape = {"ProgressLogUpdated", NULL, sizeof(struct text), log_updated_fields,
                                        2};

static const struct field log_deleted_fields[] = {
    {.name = "message", .type = FIELD_CONST, .example = "\"Progress log deleted\""},
    {.name = "deleted_log_id", .type = FIELD_INT, .example = "7"},
};

const struct shape log_deleted_shape = {"ProgressLogDeleted", NULL, sizeof(int64_t), log_deleted_fields, 2};

static const struct field logs_deleted_fields[] = {
    {.name = "message", .type = FIELD_CONST, .example = "\"All progress logs for user deleted\""},
    {.name = "deleted_log_count", .type = FIELD_INT, .example = "3"},
};

const struct shape logs_deleted_shape = {"ProgressLogsDeleted", NULL, sizeof(int64_t), logs_deleted_fields,
                                         2};

struct log_event {
    int64_t version;
    struct moment recorded_at;
    struct text type, actor;
    struct entry entry;
    struct kept_json printed; /* the entry; null after a deletion */
};

static const struct field log_event_fields[] = {
    {.name = "version", .type = FIELD_INT, .at = offsetof(struct log_event, version), .example = "1"},
    {.name = "type",
     .type = FIELD_TEXT,
     .at = offsetof(struct log_event, type),
     .help = "created, updated, deleted or restored.",
     .example = "\"created\""},
    {.name = "recorded_at",
     .type = FIELD_TIME_NAIVE,
     .at = offsetof(struct log_event, recorded_at),
     .help = "UTC.",
     .example = "\"2025-04-19T08:30:38.538812\""},
    {.name = "actor",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct log_event, actor),
     .help = "The `sub` of the token.",
     .example = "\"auth0|7be06c80\""},
    {.name = "entry",
     .type = FIELD_OBJECT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct log_event, printed),
     .of = &entry_shape,
     .help = "As it stood after the event; null after a deletion."},
};

const struct shape log_event_shape = {"ProgressLogEvent", "What happened to an entry.",
                                      sizeof(struct log_event), log_event_fields, COUNT(log_event_fields)};

/* Statements */

#define DATE_OF(column) "to_char(" column ", 'YYYY-MM-DD')"

struct creation {
    struct entry entry;
    struct text actor;
    int8_t user_known; /* by another service */
};

/* The user is looked up by the statement that inserts; without one no id comes back. */
static const struct statement create_entry = {
    .name = "create_entry",
    .sql = "WITH asked AS MATERIALIZED ("
           " SELECT a.*, CASE WHEN a.known OR u.id IS NOT NULL THEN nextval('progress_log_id_seq') END AS id"
           " FROM unnest($1::text[], $2::text[], $3::json[], $4::text[], $5::bool[])"
           " WITH ORDINALITY AS a (user_id, date, members, actor, known, n)"
           " LEFT JOIN users u ON u.id = a.user_id"
           "), event AS ("
           " INSERT INTO progress_events (log_id, version, type, user_id, date, members, recorded_at, actor)"
           " SELECT id, 1, 'created', user_id, date::date, members, clock_timestamp(), actor FROM asked"
           " WHERE id IS NOT NULL"
           ") SELECT n, id FROM asked",
    .kind = STATEMENT_APPEND,
    .set = true,
    .params = (const struct column[]){{COLUMN_TEXT, offsetof(struct creation, entry.user_id)},
                                      {COLUMN_TEXT, offsetof(struct creation, entry.date)},
                                      {COLUMN_JSON, offsetof(struct creation, entry.members)},
                                      {COLUMN_TEXT, offsetof(struct creation, actor)},
                                      {COLUMN_BOOL, offsetof(struct creation, user_known)}},
    .param_count = 5,
    .row = (const struct column[]){{COLUMN_INT, 0}},
    .column_count = 1,
    .row_size = sizeof(int64_t),
};

static const struct column entry_columns[] = {
    {COLUMN_INT, offsetof(struct entry, log_id)},
    {COLUMN_TEXT, offsetof(struct entry, user_id)},
    {COLUMN_TEXT, offsetof(struct entry, date)},
    {COLUMN_JSON, offsetof(struct entry, members)},
};

/* Whoever changes the entry waits here for whoever changes it now. */
static const struct statement lock_entry = {
    .name = "lock_entry",
    .sql = "SELECT log_id, user_id, " DATE_OF(
        "date") ", members FROM progress_logs WHERE log_id = $1 FOR UPDATE",
    .kind = STATEMENT_CHANGE,
    .params = (const struct column[]){{COLUMN_INT, 0}},
    .param_count = 1,
    .row = entry_columns,
    .column_count = COUNT(entry_columns),
    .row_size = sizeof(struct entry),
};

struct change {
    struct entry entry;
    struct text type, actor;
};

/*
 * The next event of an entry that is locked. Each is later than the one before, whatever the clock does, so
 * that every version has a time at which it stood.
 */
#define NEXT_EVENT_INTO                                                                                      \
    "INSERT INTO progress_events (log_id, version, type, user_id, date, members, recorded_at, actor)"
#define NEXT_EVENT_TIME "greatest(clock_timestamp(), l.recorded_at + interval '1 microsecond')"

static const struct statement append_event = {
    .name = "append_event",
    .sql = NEXT_EVENT_INTO " SELECT l.log_id, l.version + 1, $2, l.user_id, $3::date, $4, " NEXT_EVENT_TIME
                           ", $5"
                           " FROM progress_logs l WHERE l.log_id = $1 RETURNING log_id",
    .kind = STATEMENT_CHANGE,
    .params = (const struct column[]){{COLUMN_INT, offsetof(struct change, entry.log_id)},
                                      {COLUMN_TEXT, offsetof(struct change, type)},
                                      {COLUMN_TEXT, offsetof(struct change, entry.date)},
                                      {COLUMN_JSON, offsetof(struct change, entry.members)},
                                      {COLUMN_TEXT, offsetof(struct change, actor)}},
    .param_count = 5,
    .row = (const struct column[]){{COLUMN_INT, 0}},
    .column_count = 1,
    .row_size = sizeof(int64_t),
};

struct user_and_actor {
    struct text user_id, actor;
};

static const struct statement delete_entries = {
    .name = "delete_entries",
    .sql =
        "WITH l AS MATERIALIZED ("
        " SELECT * FROM progress_logs WHERE user_id = $1 AND members IS NOT NULL ORDER BY log_id FOR UPDATE"
        "), event AS (" NEXT_EVENT_INTO
        " SELECT log_id, version + 1, 'deleted', user_id, NULL, NULL, " NEXT_EVENT_TIME
        ", $2 FROM l RETURNING log_id) SELECT count(*) FROM event",
    .kind = STATEMENT_CHANGE,
    .params = (const struct column[]){{COLUMN_TEXT, offsetof(struct user_and_actor, user_id)},
                                      {COLUMN_TEXT, offsetof(struct user_and_actor, actor)}},
    .param_count = 2,
    .row = (const struct column[]){{COLUMN_INT, 0}},
    .column_count = 1,
    .row_size = sizeof(int64_t),
};

static const struct statement list_entries = {
    .name = "list_entries",
    .sql = "SELECT log_id, user_id, " DATE_OF(
        "date") ", members FROM progress_logs"
                " WHERE user_id = $1 AND members IS NOT NULL ORDER BY log_id",
    .kind = STATEMENT_REPORT,
    .params = (const struct column[]){{COLUMN_TEXT, offsetof(struct key, value)}},
    .param_count = 1,
    .row = entry_columns,
    .column_count = COUNT(entry_columns),
    .row_size = sizeof(struct entry),
};

struct past {
    struct text user_id;
    struct moment at;
};

static const struct statement list_entries_as_of = {
    .name = "list_entries_as_of",
    .sql = "SELECT log_id, user_id, " DATE_OF(
        "date") ", members FROM ("
                " SELECT DISTINCT ON (log_id) * FROM progress_events WHERE user_id = $1 AND recorded_at <= $2"
                " ORDER BY log_id, version DESC) AS e WHERE members IS NOT NULL ORDER BY log_id",
    .kind = STATEMENT_REPORT,
    .params = (const struct column[]){{COLUMN_TEXT, offsetof(struct past, user_id)},
                                      {COLUMN_TIME, offsetof(struct past, at)}},
    .param_count = 2,
    .row = entry_columns,
    .column_count = COUNT(entry_columns),
    .row_size = sizeof(struct entry),
};

struct entry_version {
    int64_t log_id, version; /* INT_NULL: every version */
};

static const struct statement list_events = {
    .name = "list_events",
    .sql = "SELECT version, type, recorded_at, actor, log_id, user_id, " DATE_OF(
        "date") ", members"
                " FROM progress_events WHERE log_id = $1 AND ($2 IS NULL OR version = $2) ORDER BY version",
    .kind = STATEMENT_REPORT,
    .params = (const struct column[]){{COLUMN_INT, offsetof(struct entry_version, log_id)},
                                      {COLUMN_INT, offsetof(struct entry_version, version)}},
    .param_count = 2,
    .row = (const struct column[]){{COLUMN_INT, offsetof(struct log_event, version)},
                                   {COLUMN_TEXT, offsetof(struct log_event, type)},
                                   {COLUMN_TIME, offsetof(struct log_event, recorded_at)},
                                   {COLUMN_TEXT, offsetof(struct log_event, actor)},
                                   {COLUMN_INT, offsetof(struct log_event, entry.log_id)},
                                   {COLUMN_TEXT, offsetof(struct log_event, entry.user_id)},
                                   {COLUMN_TEXT, offsetof(struct log_event, entry.date)},
                                   {COLUMN_JSON, offsetof(struct log_event, entry.members)}},
    .column_count = 8,
    .row_size = sizeof(struct log_event),
};

/* Handlers */

static enum reply reply_no_entry(struct request *rq)
{
    return reply_member(rq, 404, "error", "Log entry not found");
}

/* The id of the path; false where it cannot be one, 404 being the reply. */
static bool read_log_id(struct request *rq, int64_t *log_id)
{
    struct text t = ((const struct key *)rq->path)->value;
    bool good = t.len > 0 && t.len <= LOG_ID_DIGITS;

    *log_id = 0;
    for (size_t i = 0; good && i < t.len; i++) {
        good = t.at[i] >= '0' && t.at[i] <= '9';
        *log_id = *log_id * 10 + (t.at[i] - '0');
    }
    if (good && *log_id <= INT32_MAX)
        return true;
    reply_no_entry(rq);
    return false;
}

enum reply progress_log_create(struct request *rq)
{
    struct creation in = {.actor = rq->subject};
    int64_t log_id;

    if (!entry_read(rq, &in.entry) || !auth_require_user(rq, in.entry.user_id))
        return REPLIED;
    if (rq->worker->settings->directory.user_service_url) {
        if (!user_service_require(rq, in.entry.user_id))
            return REPLIED;
        in.user_known = 1;
    }
    switch (query_row(rq, &create_entry, &in, &log_id)) {
    case QUERY_ROW:
        break;
    case QUERY_REPLIED:
        return REPLIED;
    default:
        return reply_unavailable(rq);
    }
    if (log_id == INT_NULL)
        return reply_member(rq, 400, "message", NO_SUCH_USER);
    return reply(rq, &log_created_shape, &log_id);
}

enum reply progress_log_list(struct request *rq)
{
    const struct key *as_of = rq->query;
    struct past past = {.user_id = ((const struct key *)rq->path)->value};
    struct rows entries;

    if (!auth_require_user(rq, past.user_id))
        return REPLIED;
    if (as_of->value.at && !iso8601_read_time(as_of->value, &past.at))
        return reply_member(rq, 400, "error", "as_of must be a time such as 2025-04-19T08:30:38Z");
    const struct statement *statement = as_of->value.at ? &list_entries_as_of : &list_entries;
    if (query_rows(rq, statement, &past, &entries) == QUERY_REPLIED)
        return REPLIED;
    return reply(rq, &log_list_shape, &entries);
}

/*
 * Begins a transaction that holds an entry, as it stands now, against all other changes. False: the reply is
 * there, and no transaction.
 */
static bool hold_entry(struct request *rq, int64_t log_id, struct entry *entry)
{
    if (!query_begin(rq))
        return false;
    switch (query_row(rq, &lock_entry, &log_id, entry)) {
    case QUERY_ROW:
        if (auth_require_user(rq, entry->user_id))
            return true;
        break;
    case QUERY_NONE:
        reply_no_entry(rq);
        break;
    default:
        query_rollback(rq);
        return false;
    }
    query_commit(rq);
    return false;
}

/* Ends the transaction of an entry with its next event. False: 503 is the reply. */
static bool append(struct request *rq, const struct entry *entry, struct text type)
{
    const struct change change = {*entry, type, rq->subject};
    int64_t appended;
    enum query_result result = query_row(rq, &append_event, &change, &appended);

    if (result == QUERY_ROW)
        return query_commit(rq);
    if (result != QUERY_REPLIED)
        reply_unavailable(rq); /* an event that nobody held the entry for came in between */
    query_rollback(rq);
    return false;
}

/* Ends the transaction of an entry that stays as it is; the reply is there. */
static enum reply let_go(struct request *rq)
{
    query_commit(rq);
    return REPLIED;
}

enum reply progress_log_update(struct request *rq)
{
    const struct json *object;
    struct entry entry;
    int64_t log_id;

    if (!read_log_id(rq, &log_id) || !entry_read_object(rq, &object) || !hold_entry(rq, log_id, &entry))
        return REPLIED;
    if (!entry.members.bytes.at) {
        reply_no_entry(rq);
        return let_go(rq);
    }
    if (!entry_change(rq, object, &entry))
        return let_go(rq);
    if (!append(rq, &entry, TEXT("updated")))
        return REPLIED;
    struct text printed = entry_print(&rq->arena, &entry);
    return printed.at ? reply(rq, &log_updated_shape, &printed) : reply_unavailable(rq);
}

enum reply progress_log_delete(struct request *rq)
{
    struct entry entry;
    int64_t log_id;

    if (!read_log_id(rq, &log_id) || !hold_entry(rq, log_id, &entry))
        return REPLIED;
    if (!entry.members.bytes.at) {
        reply_no_entry(rq);
        return let_go(rq);
    }
    entry.date = entry.members.bytes = TEXT_NULL;
    return append(rq, &entry, TEXT("deleted")) ? reply(rq, &log_deleted_shape, &log_id) : REPLIED;
}

enum reply progress_log_delete_all(struct request *rq)
{
    const struct user_and_actor in = {((const struct key *)rq->path)->value, rq->subject};
    int64_t count;

    if (!auth_require_user(rq, in.user_id))
        return REPLIED;
    switch (query_row(rq, &delete_entries, &in, &count)) {
    case QUERY_ROW:
        break;
    case QUERY_REPLIED:
        return REPLIED;
    default:
        return reply_unavailable(rq);
    }
    if (count == 0)
        return reply_member(rq, 404, "error", "No logs found for the given user_id");
    return reply(rq, &logs_deleted_shape, &count);
}

enum reply progress_log_history(struct request *rq)
{
    struct entry_version every = {.version = INT_NULL};
    struct rows events;

    if (!read_log_id(rq, &every.log_id))
        return REPLIED;
    switch (query_rows(rq, &list_events, &every, &events)) {
    case QUERY_ROW:
        break;
    case QUERY_REPLIED:
        return REPLIED;
    default:
        return reply_no_entry(rq);
    }
    struct log_event *event = events.items;
    if (!auth_require_user(rq, event->entry.user_id))
        return REPLIED;
    for (size_t i = 0; i < events.count; i++, event++) {
        bool deleted = !event->entry.members.bytes.at;
        event->printed.bytes = deleted ? TEXT_NULL : entry_print(&rq->arena, &event->entry);
        if (!deleted && !event->printed.bytes.at)
            return reply_unavailable(rq);
    }
    return reply_list(rq, &log_event_shape, events);
}

/* The version that the body names. False: 400 or 503 is the reply. */
static bool read_version(struct request *rq, int64_t *version)
{
    const struct json *object;

    if (!entry_read_object(rq, &object))
        return false;
    const struct json *member = json_member(object, "version");
    if (member && json_type(member) == JSON_NUMBER && json_is_integer(member) && json_double(member) >= 1 &&
        json_double(member) <= INT32_MAX) {
        *version = (int64_t)json_double(member);
        return true;
    }
    reply_member(rq, 400, "error", "version must be a whole number from 1 on");
    return false;
}

enum reply progress_log_rollback(struct request *rq)
{
    struct entry_version wanted;
    struct log_event event;
    struct entry entry;

    if (!read_log_id(rq, &wanted.log_id) || !read_version(rq, &wanted.version) ||
        !hold_entry(rq, wanted.log_id, &entry))
        return REPLIED;
    switch (query_row(rq, &list_events, &wanted, &event)) {
    case QUERY_ROW:
        break;
    case QUERY_NONE:
        reply_member(rq, 404, "error", "Log entry has no such version");
        return let_go(rq);
    default:
        query_rollback(rq);
        return REPLIED;
    }
    if (!event.entry.members.bytes.at) {
        reply_member(rq, 400, "error", "That version is a deletion");
        return let_go(rq);
    }
    return append(rq, &event.entry, TEXT("restored")) ? reply(rq, &entry_shape, &event.entry) : REPLIED;
}
