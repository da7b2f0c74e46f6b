#include "common/json/json.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "common/base/turn.h"

struct json {
    cJSON node; /* first: cJSON's pointers are pointers to this */
    struct text raw;
};

/*
 * cJSON's hooks are global and take no context, so the arena of the running parse is a variable of the
 * thread. cJSON's other global, the place of the last error, is written by every parse and never read here.
 */
static _Thread_local struct arena *parse_arena;

/*
 * A node gets room for its span. A string that happens to have a node's size gets it too, which does no harm.
 */
static void *hand_out(size_t size)
{
    return arena_alloc(parse_arena, size == sizeof(cJSON) ? sizeof(struct json) : size);
}

static void keep(void *block)
{
    (void)block; /* freed with its arena */
}

static void set_hooks(void)
{
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = hand_out, .free_fn = keep});
}

/* Gives each value of the tree its bytes; the tree has the values that are seen, in the same order. */
static void tie(struct json *value, const struct json_view *view, struct text raw, enum json_see see,
                bool root)
{
    cJSON *child = value->node.child;
    struct json_item item;

    value->raw = raw;
    if (!child)
        return;
    struct json_walk walk = json_walk_into(raw);
    while (child && json_walk_next(&walk, &item)) {
        enum json_see within = json_view_item(view, see, root, &item);
        if (within == SEE_NOTHING)
            continue;
        tie((struct json *)child, view, item.value, within, false);
        child = child->next;
    }
}

/* Parses a text with cJSON; NULL: no memory. */
static struct json *make_tree(struct arena *arena, struct text text)
{
    static pthread_once_t hooks_set = PTHREAD_ONCE_INIT;

    pthread_once(&hooks_set, set_hooks);
    parse_arena = arena;
    cJSON *tree = cJSON_ParseWithLengthOpts(text.at, text.len, NULL, false);
    parse_arena = NULL;
    return (struct json *)tree;
}

/* Between two passes over a text. */
static void share(struct text bytes)
{
    if (bytes.len > JSON_SHARE_AFTER)
        turn_share();
}

enum json_status json_parse_seen(struct arena *arena, struct text bytes, const struct json_view *view,
                                 const struct json **value, struct json_error *error)
{
    struct json_scanned scanned;

    if (!bytes.at)
        bytes = TEXT("");
    if (!text_is_utf8(bytes))
        return JSON_UNREADABLE;
    bytes = text_without_mark(bytes);
    enum json_status status = json_scan(arena, bytes, &scanned, error);
    if (status != JSON_OK)
        return status;
    share(bytes);
    bool whole = !view && scanned.longest_number <= JSON_NUMBER_READ;
    struct text text = whole ? scanned.root : json_view_text(view, arena, scanned.root);
    share(bytes);
    struct json *tree = text.at ? make_tree(arena, text) : NULL;
    if (!tree)
        return JSON_NO_MEMORY;
    share(bytes);
    tie(tree, view, scanned.root, SEE_ALL, true);
    *value = tree;
    return JSON_OK;
}

enum json_status json_parse(struct arena *arena, struct text bytes, const struct json **value,
                            struct json_error *error)
{
    return json_parse_seen(arena, bytes, NULL, value, error);
}

enum json_type json_type(const struct json *value)
{
    switch (value->node.type & 0xff) {
    case cJSON_False:
    case cJSON_True:
        return JSON_BOOL;
    case cJSON_Number:
        return JSON_NUMBER;
    case cJSON_String:
        return JSON_TEXT;
    case cJSON_Array:
        return JSON_LIST;
    case cJSON_Object:
        return JSON_OBJECT;
    default:
        return JSON_NULL;
    }
}

struct text json_raw(const struct json *value)
{
    return value->raw;
}

struct text json_text(const struct json *value)
{
    return text_of(value->node.valuestring);
}

bool json_bool(const struct json *value)
{
    return value->node.type & cJSON_True;
}

double json_double(const struct json *value)
{
    return value->node.valuedouble;
}

bool json_is_integer(const struct json *value)
{
    return json_is_integral(value->raw);
}

const struct json *json_member(const struct json *object, const char *name)
{
    const cJSON *last = NULL;

    for (const cJSON *member = object->node.child; member; member = member->next)
        if (strcmp(member->string, name) == 0)
            last = member;
    return (const struct json *)last;
}

const struct json *json_first(const struct json *value)
{
    return (const struct json *)value->node.child;
}

const struct json *json_next(const struct json *value)
{
    return (const struct json *)value->node.next;
}

struct text json_name(const struct json *member)
{
    return text_of(member->node.string);
}

/* An entry, to be sorted by name. */
bool json_entries(struct arena *arena, const struct json *object, struct json_entry **entries, size_t *count)
{
    size_t all = 0, kept = 0;

    for (const struct json *m = json_first(object); m; m = json_next(m))
        all++;
    struct json_entry *list = arena_alloc(arena, all * sizeof(*list));
    struct text *names = arena_alloc(arena, all * sizeof(*names));
    const struct json **values = arena_alloc(arena, all * sizeof(*values));
    size_t *last = arena_alloc(arena, all * sizeof(*last));
    if (!list || !names || !values || !last)
        return false;
    all = 0;
    for (const struct json *m = json_first(object); m; m = json_next(m)) {
        names[all] = json_name(m);
        values[all++] = m;
    }
    if (!json_last_members(arena, names, all, last))
        return false;
    for (size_t i = 0; i < all; i++)
        if (last[i] != SIZE_MAX)
            list[kept++] = (struct json_entry){names[i], values[last[i]]};
    *entries = list;
    *count = kept;
    return true;
}

bool json_decoded(struct arena *arena, struct text string, struct text *decoded)
{
    *decoded = json_unquoted(string);
    if (!json_has_escapes(string))
        return true;
    const struct json *tree = make_tree(arena, string);
    if (tree)
        *decoded = json_text(tree);
    return tree;
}
