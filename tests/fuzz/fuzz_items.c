/*
 * Requests with many items: the lines of a body and the elements of a list are the same items, and those of a
 * list are the ones that the JSON parser finds in it.
 */
#include <string.h>

#include "common/items/ingest_items.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/shape/declare.h"
#include "tests/fuzz/support/fuzz.h"

#define ITEMS_LIMIT 50

struct thing {
    struct text name, client_id, told_time;
    int64_t number, id;
    struct kept_json data;
    struct moment timestamp, received_at;
};

#define OF struct thing
static const struct field fields[] = {
    FIELD(TEXT, name, .flags = FIELD_REQUIRED, .limit = 9),
    FIELD(INT, number, .fallback = "7"),
    FIELD(OBJECT, data, .fallback = "{}"),
    INGEST_FIELDS("\"2025-04-19T08:39:43.599Z\""),
};
static const struct shape shape = SHAPE("Thing", NULL, fields);

static const struct ingest things = {.item = &shape,
                                     .id = offsetof(OF, id),
                                     .client_id = offsetof(OF, client_id),
                                     .told_time = offsetof(OF, told_time),
                                     .timestamp = offsetof(OF, timestamp),
                                     .received_at = offsetof(OF, received_at)};
#undef OF

static struct settings settings = {
    .ingest.limit = ITEMS_LIMIT, .ingest.future = 300, .http.body_limit = 2000};
static struct worker worker = {.settings = &settings};

struct reading {
    struct request rq;
    struct items items;
    bool good;
};

static void read_as(struct reading *r, const char *type, struct text body)
{
    *r = (struct reading){.rq.worker = &worker};
    r->rq.headers.content_type = text_of(type);
    r->rq.body_bytes = body;
    r->items = (struct items){.rq = &r->rq, .of = &things, .received_at = {1745052104118843}};
    r->good = items_read(&r->items);
    if (r->good) {
        HOLDS(!r->rq.status && r->items.count <= ITEMS_LIMIT);
        return;
    }
    HOLDS(r->rq.status == 400 || r->rq.status == 422);
    HOLDS(!r->rq.out.failed && fuzz_is_json((struct text){r->rq.out.at, r->rq.out.len}));
}

static void end(struct reading *r)
{
    arena_free(&r->items.scratch);
    arena_free(&r->rq.arena);
}

static struct text print(struct arena *arena, const struct item *item)
{
    struct writer w = writer_start(arena);

    shape_write(&w, &shape, item->in);
    HOLDS(!w.failed);
    return (struct text){w.at, w.len};
}

static void check_item(const struct item *item)
{
    struct arena arena = {0};

    HOLDS(item->state == ITEM_GOOD || item->state == ITEM_FAILED);
    if (item->state == ITEM_GOOD) {
        HOLDS(item->in && !item->errors.at);
    } else if (item->code == 422 && item->errors.at) {
        char *list = arena_printf(&arena, "[%.*s]", (int)item->errors.len, item->errors.at);
        HOLDS(list && fuzz_is_json(text_of(list)));
    } else {
        HOLDS(item->detail && (item->code == 400 || item->code == 413 || item->code == 422));
    }
    arena_free(&arena);
}

/* The same items, whose faults differ at most in what they are called. */
static void compare(const struct reading *a, const struct reading *b)
{
    struct arena arena = {0};

    HOLDS(a->items.count == b->items.count);
    for (size_t i = 0; i < a->items.count; i++) {
        const struct item *one = &a->items.list[i], *other = &b->items.list[i];
        HOLDS(one->state == other->state && one->code == other->code);
        if (one->state == ITEM_GOOD)
            HOLDS(text_equal(print(&arena, one), print(&arena, other)));
        HOLDS(text_equal(one->errors, other->errors));
    }
    arena_free(&arena);
}

static bool is_blank(struct text line)
{
    for (size_t i = 0; i < line.len; i++)
        if (!line.at[i] || !strchr(" \t\r", line.at[i]))
            return false;
    return true;
}

/* The lines as elements of a list; false: some line is not JSON, and the list would not be. */
static bool join_lines(struct arena *arena, struct text lines, struct text *list)
{
    struct writer w = writer_start(arena);
    const struct json *value;
    struct json_error error;
    bool first = true;

    write_char(&w, '[');
    while (lines.len) {
        struct text line = fuzz_take(&lines, '\n');
        if (is_blank(line))
            continue;
        /* A mark at the start of a line is the parser's to skip, in a list it is not. */
        if (text_without_mark(line).len != line.len || json_parse(arena, line, &value, &error) != JSON_OK)
            return false;
        if (!first)
            write_char(&w, ',');
        first = false;
        write_text(&w, line);
    }
    write_char(&w, ']');
    *list = (struct text){w.at, w.len};
    return !w.failed;
}

static void read_lines(struct text body)
{
    struct reading lines, list;
    struct arena arena = {0};
    struct text joined;

    read_as(&lines, "application/x-ndjson", body);
    for (size_t i = 0; lines.good && i < lines.items.count; i++)
        check_item(&lines.items.list[i]);
    if (join_lines(&arena, text_without_mark(body), &joined)) {
        read_as(&list, "application/json", joined);
        HOLDS(lines.good == list.good && lines.rq.status == list.rq.status);
        if (lines.good)
            compare(&lines, &list);
        end(&list);
    }
    arena_free(&arena);
    end(&lines);
}

static void read_list(struct text body)
{
    struct reading list;
    struct arena arena = {0};
    const struct json *value;
    struct json_error error;

    read_as(&list, "application/json", body);
    bool is_json = json_parse(&arena, body, &value, &error) == JSON_OK;
    if (list.good && text_without_mark(body).len) {
        size_t count = 0;
        HOLDS(is_json && json_type(value) == JSON_LIST);
        for (const struct json *item = json_first(value); item; item = json_next(item))
            HOLDS(count < list.items.count && list.items.list[count++].size >= json_raw(item).len);
        HOLDS(count == list.items.count);
    } else if (is_json && json_type(value) == JSON_LIST) {
        size_t count = 0;
        for (const struct json *item = json_first(value); item; item = json_next(item))
            count++;
        HOLDS(count > ITEMS_LIMIT);
    }
    arena_free(&arena);
    end(&list);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    shape_set_limits(&(struct shape_limits){.text = 300, .list = 20});
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct text input = {len ? (const char *)bytes : "", len};

    read_lines(input);
    read_list(input);
    return 0;
}
