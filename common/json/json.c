#include "common/json/json.h"

#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#define CJSON_NUMBER 63 /* bytes of a number that cJSON reads; it reports further ones as an error */

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

/*
 * Replaces numbers that are too long for cJSON, in a copy of the text: by 17 digits, which read back as the
 * same double, and spaces.
 */
static bool shorten_numbers(struct arena *arena, const struct json_spans *spans, struct text *bytes)
{
    char *copy = arena_string(arena, *bytes);

    if (!copy)
        return false;
    for (size_t i = 0; i < spans->count; i++) {
        struct text raw = spans->items[i];
        if (raw.len <= CJSON_NUMBER || !strchr("-0123456789", raw.at[0]))
            continue;
        double value;
        if (!json_number(arena, raw, &value))
            return false;
        if (!isfinite(value))
            value = copysign(DBL_MAX, value);
        char digits[CJSON_NUMBER + 1];
        int len = snprintf(digits, sizeof(digits), "%.17g", value);
        char *number = copy + (raw.at - bytes->at);
        memset(number, ' ', raw.len);
        memcpy(number, digits, (size_t)len);
    }
    bytes->at = copy;
    return true;
}

/* Gives each value its span: the tree and the spans are in the same order. Returns where the next begins. */
static const struct text *tie_spans(struct json *value, const struct text *span)
{
    value->raw = *span++;
    for (cJSON *child = value->node.child; child; child = child->next)
        span = tie_spans((struct json *)child, span);
    return span;
}

enum json_status json_parse(struct arena *arena, struct text bytes, const struct json **value,
                            struct json_error *error)
{
    static pthread_once_t hooks_set = PTHREAD_ONCE_INIT;
    static const struct text mark = {"\xef\xbb\xbf", 3};
    struct json_spans spans;

    if (!bytes.at)
        bytes = TEXT("");
    if (!text_is_utf8(bytes))
        return JSON_UNREADABLE;
    if (bytes.len >= mark.len && memcmp(bytes.at, mark.at, mark.len) == 0)
        bytes = (struct text){bytes.at + mark.len, bytes.len - mark.len};
    enum json_status status = json_scan(arena, bytes, &spans, error);
    if (status != JSON_OK)
        return status;
    struct text root = spans.items[0];
    if (spans.longest_number > CJSON_NUMBER && !shorten_numbers(arena, &spans, &root))
        return JSON_NO_MEMORY;
    pthread_once(&hooks_set, set_hooks);
    parse_arena = arena;
    struct json *tree = (struct json *)cJSON_ParseWithLengthOpts(root.at, root.len, NULL, false);
    parse_arena = NULL;
    if (!tree)
        return JSON_NO_MEMORY;
    tie_spans(tree, spans.items);
    *value = tree;
    return JSON_OK;
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
    for (size_t i = 0; i < value->raw.len; i++)
        if (strchr(".eE", value->raw.at[i]))
            return false;
    return true;
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
struct place {
    struct json_entry *entry;
};

/* By name; equal names in the order in which they came. */
static int compare_places(const void *left, const void *right)
{
    const struct json_entry *a = ((const struct place *)left)->entry;
    const struct json_entry *b = ((const struct place *)right)->entry;
    int order = memcmp(a->name.at, b->name.at, a->name.len < b->name.len ? a->name.len : b->name.len);

    if (order)
        return order;
    if (a->name.len != b->name.len)
        return a->name.len < b->name.len ? -1 : 1;
    return a < b ? -1 : a > b;
}

/* Moves the last value of each name to its first place, and clears the value at the others. */
static void merge_equal_names(struct place *places, size_t count)
{
    for (size_t first = 0, next; first < count; first = next) {
        next = first + 1;
        while (next < count && text_equal(places[next].entry->name, places[first].entry->name))
            next++;
        places[first].entry->value = places[next - 1].entry->value;
        for (size_t i = first + 1; i < next; i++)
            places[i].entry->value = NULL;
    }
}

bool json_entries(struct arena *arena, const struct json *object, struct json_entry **entries, size_t *count)
{
    size_t all = 0, kept = 0;

    for (const struct json *m = json_first(object); m; m = json_next(m))
        all++;
    struct json_entry *list = arena_alloc(arena, all * sizeof(*list));
    struct place *places = arena_alloc(arena, all * sizeof(*places));
    if (!list || !places)
        return false;
    for (const struct json *m = json_first(object); m; m = json_next(m)) {
        places[kept].entry = list + kept;
        list[kept++] = (struct json_entry){json_name(m), m};
    }
    /* Sorted instead of hashed: no choice of names makes this quadratic. */
    qsort(places, all, sizeof(*places), compare_places);
    merge_equal_names(places, all);
    kept = 0;
    for (size_t i = 0; i < all; i++)
        if (list[i].value)
            list[kept++] = list[i];
    *entries = list;
    *count = kept;
    return true;
}
