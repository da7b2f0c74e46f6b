/*
 * The items of a body: the elements of a JSON array, or one item per line. Each is parsed by itself, so that
 * there is never a tree of the whole body.
 */
#include "common/items/ingest_items.h"

#include "common/base/turn.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"

#define ITEMS_FIRST 64 /* room at the beginning */

enum reading { READ_GOOD, READ_REPLIED, READ_INVALID, READ_UNREADABLE, READ_NO_MEMORY, READ_TOO_MANY };

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_space(struct text t, size_t at)
{
    while (at < t.len && is_space(t.at[at]))
        at++;
    return at;
}

static struct item *add_item(struct items *items)
{
    if (items->count == items->room) {
        size_t room = items->room ? items->room * 2 : ITEMS_FIRST;
        struct item *list =
            arena_grow(&items->rq->arena, items->list, items->room * sizeof(*list), room * sizeof(*list));
        if (!list)
            return NULL;
        items->list = list;
        items->room = room;
    }
    items->list[items->count] = (struct item){0};
    return &items->list[items->count++];
}

/*
 * What an item that is not read does to the body: not being UTF-8, or in an array not being JSON, spoils the
 * whole.
 */
static enum reading scan_only(struct items *items, struct text bytes, bool line)
{
    struct json_scanned scanned;
    struct json_error error;

    if (!text_is_utf8(bytes))
        return READ_UNREADABLE;
    if (line)
        return READ_GOOD;
    arena_reset(&items->scratch);
    switch (json_scan(&items->scratch, bytes, &scanned, &error)) {
    case JSON_OK:
        return READ_GOOD;
    case JSON_INVALID:
        return READ_INVALID;
    case JSON_UNREADABLE:
        return READ_UNREADABLE;
    case JSON_NO_MEMORY:
        break;
    }
    return READ_NO_MEMORY;
}

/* Reads an item. A line that is not JSON is a failed item; in an array it fails the whole body. */
static enum reading read_one(struct items *items, struct text bytes, bool line)
{
    const struct settings *settings = items->rq->worker->settings;
    struct json_error error;

    if (items->count == (size_t)settings->ingest.limit)
        return READ_TOO_MANY;
    struct item *item = add_item(items);
    if (!item)
        return READ_NO_MEMORY;
    turn_share();
    if (bytes.len > (size_t)settings->http.body_limit) {
        item_fail(item, 413, "Request body too large");
        return scan_only(items, bytes, line);
    }
    switch (item_read(items, item, bytes, &error)) {
    case JSON_OK:
        return READ_GOOD;
    case JSON_INVALID:
        if (!line)
            return READ_INVALID;
        return item_fail_json(items, item, &error) ? READ_GOOD : READ_NO_MEMORY;
    case JSON_UNREADABLE:
        if (!line || !text_is_utf8(bytes))
            return READ_UNREADABLE;
        item_fail(item, 400, "There was an error parsing the body");
        return READ_GOOD;
    case JSON_NO_MEMORY:
        break;
    }
    return READ_NO_MEMORY;
}

static enum reading read_lines(struct items *items, struct text left)
{
    enum reading reading = READ_GOOD;
    const char *shared = left.at;

    while (left.len && reading == READ_GOOD) {
        if ((size_t)(left.at - shared) >= JSON_SHARE_AFTER) { /* even if all lines are empty */
            shared = left.at;
            turn_share();
        }
        const char *end = memchr(left.at, '\n', left.len);
        struct text line = {left.at, end ? (size_t)(end - left.at) : left.len};
        size_t passed = line.len + (end ? 1 : 0);
        left = (struct text){left.at + passed, left.len - passed};
        /* The CR of a line end does not count towards the size of the item. */
        line.len -= line.len && line.at[line.len - 1] == '\r';
        if (skip_space(line, 0) < line.len)
            reading = read_one(items, line, true);
    }
    return reading;
}

/* Where the value that begins here ends: at a comma or a bracket outside of it, or at the end of the text. */
static size_t value_end(struct text t, size_t at)
{
    size_t depth = 0;
    bool in_string = false;

    for (; at < t.len; at++) {
        char c = t.at[at];
        if (in_string) {
            at += c == '\\' ? 1 : 0;
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            depth++;
        } else if ((c == ',' || c == ']') && !depth) {
            return at;
        } else if (c == ']' || c == '}') {
            depth -= depth ? 1 : 0;
        }
    }
    return t.len;
}

/* Reads the items of an array; `at` is after the opening bracket. */
static enum reading read_array(struct items *items, struct text t, size_t at)
{
    at = skip_space(t, at);
    if (at < t.len && t.at[at] == ']')
        return skip_space(t, at + 1) == t.len ? READ_GOOD : READ_INVALID;
    for (;; at++) {
        size_t end = value_end(t, at);
        struct text value = {t.at + at, end - at};
        /* The parser passes over a mark at its start, but this is not the start of the text. */
        if (end == t.len || skip_space(value, 0) == value.len || text_without_mark(value).len < value.len)
            return READ_INVALID;
        enum reading reading = read_one(items, value, false);
        if (reading != READ_GOOD)
            return reading;
        at = end;
        if (t.at[at] == ']')
            return skip_space(t, at + 1) == t.len ? READ_GOOD : READ_INVALID;
    }
}

/* Replies 422 about the whole body, without repeating it. */
static void refuse_whole(struct request *rq, const char *type, const char *message)
{
    static const struct fault_at body = {.place = FAULT_BODY, .item = -1};
    struct faults faults = faults_start(&rq->arena);

    faults_add(&faults, &body, &(struct fault){type, message, NULL}, TEXT("null"));
    reply_faults(rq, &faults);
}

/*
 * Replies what is wrong with a text that should be an array; positions count from the beginning of the whole.
 */
static void refuse_text(struct items *items, struct text t)
{
    struct request *rq = items->rq;
    struct faults faults = faults_start(&rq->arena);
    struct json_scanned scanned;
    struct json_error error;

    arena_reset(&items->scratch);
    switch (text_is_utf8(t) ? json_scan(&items->scratch, t, &scanned, &error) : JSON_UNREADABLE) {
    case JSON_OK:
        refuse_whole(rq, "list_type", "Input should be a valid list");
        break;
    case JSON_INVALID:
        faults_add_invalid_json(&faults, &error);
        reply_faults(rq, &faults);
        break;
    case JSON_UNREADABLE:
        reply_error(rq, 400, "There was an error parsing the body");
        break;
    case JSON_NO_MEMORY:
        reply_unavailable(rq);
        break;
    }
}

static enum reading read_body(struct items *items, struct text body)
{
    static const char *const lines[] = {"application/x-ndjson", "application/ndjson", "application/jsonl"};
    struct text type = request_media_type(items->rq);
    size_t at = skip_space(body, 0);

    for (size_t i = 0; i < COUNT(lines); i++)
        if (type.at && text_equal_folded(type, text_of(lines[i])))
            return read_lines(items, body);
    if (!request_is_json(items->rq)) {
        reply_error(items->rq, 415, "Unsupported Content-Type: application/json or application/x-ndjson");
        return READ_REPLIED;
    }
    if (!body.len)
        return READ_GOOD;
    return at < body.len && body.at[at] == '[' ? read_array(items, body, at + 1) : READ_INVALID;
}

bool items_read(struct items *items)
{
    struct request *rq = items->rq;
    struct text body = text_without_mark(rq->body_bytes);

    switch (read_body(items, body)) {
    case READ_GOOD:
        return true;
    case READ_REPLIED:
        break;
    case READ_INVALID:
        refuse_text(items, body);
        break;
    case READ_UNREADABLE:
        reply_error(rq, 400, "There was an error parsing the body");
        break;
    case READ_TOO_MANY:
        refuse_whole(rq, "too_long",
                     arena_printf(&rq->arena, "List should have at most %lld items",
                                  (long long)rq->worker->settings->ingest.limit));
        break;
    case READ_NO_MEMORY:
        reply_unavailable(rq);
        break;
    }
    return false;
}
