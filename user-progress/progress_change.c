#include "user-progress/progress_change.h"

#include "common/auth/auth.h"
#include "common/base/loop.h"
#include "common/http/request.h"
#include "common/serve/query.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/shape/coerce.h"
#include "common/shape/declare.h"
#include "directory/directory.h"
#include "user-progress/entry.h"
#include "user-progress/progress_change.sql.h"

#define LOG_ID_DIGITS 19 /* digits of INT64_MAX */

#define OF struct log_path
static const struct field log_path_fields[] = {
    FIELD_NAMED(TEXT, "log_id", sent, .flags = FIELD_REQUIRED, .example = "\"7\""),
};

const struct shape log_path_shape = SHAPE("LogId", NULL, log_path_fields);

static const struct field deleted_fields[] = {
    FIXED("message", "\"Progress log deleted\""),
    FIELD_NAMED(INT, "deleted_log_id", log_id, .example = "7"),
};

const struct shape log_deleted_shape = SHAPE("ProgressLogDeleted", NULL, deleted_fields);
#undef OF

/* The version that a rollback restores. */
struct version {
    int64_t log_id, version;
};

#define OF struct version
static const struct field version_fields[] = {
    FIELD(INT, version, .flags = FIELD_REQUIRED, .min = 1, .max = INT32_MAX,
          .help = "The version to go back to.", .example = "1"),
};

const struct shape version_shape = SHAPE("ProgressLogRollback", NULL, version_fields);
#undef OF

struct updated {
    struct kept_json updated_log;
};

#define OF struct updated
static const struct field updated_fields[] = {
    FIXED("message", "\"Progress log updated\""),
    FIELD(OBJECT, updated_log, .of = &entry_shape),
};

const struct shape log_updated_shape = SHAPE("ProgressLogUpdated", NULL, updated_fields);
#undef OF

/* Deletes all entries of a user. */
struct clearing {
    struct text user_id, actor;
    int64_t count;
};

#define OF struct clearing
static const struct field clearing_fields[] = {
    FIXED("message", "\"All progress logs for user deleted\""),
    FIELD_NAMED(INT, "deleted_log_count", count, .example = "3"),
};

const struct shape logs_deleted_shape = SHAPE("ProgressLogsDeleted", NULL, clearing_fields);
#undef OF

struct change {
    struct progress_entry entry;
    struct text type, actor;
    int64_t id;
};

STATEMENT(get_owner, READ, .set = true, PARAMS(struct log_path, log_id), ROW(struct user_path, user_id));
STATEMENT(lock_entry, CHANGE, PARAMS(struct log_path, log_id),
          ROW(struct progress_entry, log_id, user_id, date, members));
STATEMENT(append_event, CHANGE, PARAMS(struct change, entry.log_id, type, entry.date, entry.members, actor),
          ROW(struct change, id));
STATEMENT(get_version, CHANGE, PARAMS(struct version, log_id, version),
          ROW(struct progress_entry, log_id, user_id, date, members));
STATEMENT(delete_entries, INGEST, PARAMS(struct clearing, user_id, actor), ROW(struct clearing, count));

static enum reply reply_no_entry(struct request *rq)
{
    return reply_member(rq, 404, "error", "Log entry not found");
}

/* Reads the id in the path; false if it cannot be an id. */
static bool read_log_id(struct text sent, int64_t *log_id)
{
    bool good = sent.len > 0 && sent.len <= LOG_ID_DIGITS;

    for (size_t i = 0; good && i < sent.len; i++)
        good = sent.at[i] >= '0' && sent.at[i] <= '9';
    return good && digits_value(sent, log_id);
}

bool log_reach(struct request *rq, struct log_path *path)
{
    struct user_path owner;

    *path = *(const struct log_path *)rq->path;
    if (!read_log_id(path->sent, &path->log_id)) {
        reply_no_entry(rq);
        return false;
    }
    if (!rq->own_user_only)
        return true;
    switch (query_row(rq, &get_owner, path, &owner)) {
    case QUERY_ROW:
        return auth_require_user(rq, owner.user_id);
    case QUERY_NONE:
        reply_no_entry(rq);
        return false;
    default:
        return false;
    }
}

/*
 * Begins a transaction and locks an entry in it against other changes; `entry` becomes its current state.
 * False: a reply is written, and there is no transaction.
 */
static bool hold_entry(struct request *rq, const struct log_path *path, struct progress_entry *entry)
{
    if (!query_begin(rq))
        return false;
    switch (query_row(rq, &lock_entry, path, entry)) {
    case QUERY_ROW:
        return true;
    case QUERY_NONE:
        reply_no_entry(rq);
        query_commit(rq);
        return false;
    default:
        query_rollback(rq);
        return false;
    }
}

/* Appends the next event of an entry and commits. False: the reply is 503. */
static bool append(struct request *rq, const struct progress_entry *entry, struct text type)
{
    struct change change = {.entry = *entry, .type = type, .actor = rq->subject};
    enum query_result result = query_row(rq, &append_event, &change, &change);

    if (result == QUERY_ROW)
        return query_commit(rq);
    if (result != QUERY_REPLIED)
        reply_unavailable(rq); /* another program added an event without locking the entry */
    query_rollback(rq);
    return false;
}

/* Ends the transaction of an entry that is not changed; a reply is written already. */
static enum reply let_go(struct request *rq)
{
    query_commit(rq);
    return REPLIED;
}

enum reply progress_log_update(struct request *rq)
{
    const struct json *object;
    struct progress_entry entry;
    struct log_path path;

    if (!log_reach(rq, &path) || !entry_read_object(rq, &object) || !hold_entry(rq, &path, &entry))
        return REPLIED;
    if (!entry.members.bytes.at) {
        reply_no_entry(rq);
        return let_go(rq);
    }
    if (!entry_change(rq, object, &entry))
        return let_go(rq);
    if (!append(rq, &entry, TEXT("updated")))
        return REPLIED;
    struct updated updated = {{entry_print(&rq->arena, &entry)}};
    return updated.updated_log.bytes.at ? reply(rq, &log_updated_shape, &updated) : reply_unavailable(rq);
}

enum reply progress_log_delete(struct request *rq)
{
    struct progress_entry entry;
    struct log_path path;

    if (!log_reach(rq, &path) || !hold_entry(rq, &path, &entry))
        return REPLIED;
    if (!entry.members.bytes.at) {
        reply_no_entry(rq);
        return let_go(rq);
    }
    entry.date = entry.members.bytes = TEXT_NULL;
    return append(rq, &entry, TEXT("deleted")) ? reply(rq, &log_deleted_shape, &path) : REPLIED;
}

enum reply progress_log_delete_all(struct request *rq)
{
    struct clearing clearing = {((const struct user_path *)rq->path)->user_id, rq->subject, 0};

    if (!auth_require_user(rq, clearing.user_id))
        return REPLIED;
    rq->deadline = rq->loop->now + rq->worker->settings->ingest.timeout * MILLISECOND; /* as for a batch */
    switch (query_row(rq, &delete_entries, &clearing, &clearing)) {
    case QUERY_ROW:
        break;
    case QUERY_REPLIED:
        return REPLIED;
    default:
        return reply_unavailable(rq);
    }
    if (clearing.count == 0)
        return reply_member(rq, 404, "error", "No logs found for the given user_id");
    return reply(rq, &logs_deleted_shape, &clearing);
}

/* Reads the version in the body. False: the reply is 400 or 503. */
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
    struct progress_entry entry, then;
    struct version wanted;
    struct log_path path;

    if (!log_reach(rq, &path) || !read_version(rq, &wanted.version) || !hold_entry(rq, &path, &entry))
        return REPLIED;
    wanted.log_id = path.log_id;
    switch (query_row(rq, &get_version, &wanted, &then)) {
    case QUERY_ROW:
        break;
    case QUERY_NONE:
        reply_member(rq, 404, "error", "Log entry has no such version");
        return let_go(rq);
    default:
        query_rollback(rq);
        return REPLIED;
    }
    if (!then.members.bytes.at) {
        reply_member(rq, 400, "error", "That version is a deletion");
        return let_go(rq);
    }
    return append(rq, &then, TEXT("restored")) ? reply(rq, &entry_shape, &then) : REPLIED;
}
