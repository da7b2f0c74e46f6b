#include "common/json/json_view.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/json/json_scan.h"

#define DIGITS_MAX 32 /* bytes of a shortened number */

/* Prints the part of a text that is seen; without room it only counts the bytes. */
struct printing {
    const struct json_view *view;
    struct arena *arena;
    char *room;
    size_t len;
    bool failed;
};

static enum json_see limited(const struct json_view *view, enum json_see see, struct text value)
{
    bool counted = see == SEE_ITEMS && value.at[0] == '[';

    return counted && json_count(value) > view->items_most ? SEE_VALUE : see;
}

enum json_see json_view_item(const struct json_view *view, enum json_see see, bool root,
                             const struct json_item *item)
{
    if (!view)
        return SEE_ALL;
    if (!root)
        return see == SEE_ITEMS ? SEE_VALUE : SEE_NOTHING;
    if (!item->name.at)
        return SEE_NOTHING;
    bool escaped = json_has_escapes(item->name);
    return limited(view, escaped ? SEE_ITEMS : view->member(view->of, json_unquoted(item->name)),
                   item->value);
}

static void put(struct printing *p, struct text t)
{
    if (p->room)
        memcpy(p->room + p->len, t.at, t.len);
    p->len += t.len;
}

/* cJSON reads at most 63 bytes of a number and takes the rest for an error. */
static void put_leaf(struct printing *p, struct text raw)
{
    char digits[DIGITS_MAX];
    double value;

    if (raw.len <= JSON_NUMBER_READ || raw.at[0] == '"') {
        put(p, raw);
        return;
    }
    if (!json_number(p->arena, raw, &value)) {
        p->failed = true;
        return;
    }
    if (!isfinite(value))
        value = copysign(DBL_MAX, value);
    int len = snprintf(digits, sizeof(digits), "%.17g", value);
    put(p, (struct text){digits, (size_t)len});
}

static void put_value(struct printing *p, struct text raw, enum json_see see, bool root)
{
    bool object = raw.at[0] == '{';
    struct json_item item;
    bool first = true;

    if (!object && raw.at[0] != '[') {
        put_leaf(p, raw);
        return;
    }
    put(p, object ? TEXT("{") : TEXT("["));
    struct json_walk walk = json_walk_into(raw);
    while (see != SEE_VALUE && json_walk_next(&walk, &item)) {
        enum json_see within = json_view_item(p->view, see, root, &item);
        if (within == SEE_NOTHING)
            continue;
        put(p, first ? TEXT("") : TEXT(","));
        first = false;
        if (object) {
            put(p, item.name);
            put(p, TEXT(":"));
        }
        put_value(p, item.value, within, false);
    }
    put(p, object ? TEXT("}") : TEXT("]"));
}

struct text json_view_text(const struct json_view *view, struct arena *arena, struct text root)
{
    struct printing p = {.view = view, .arena = arena};
    enum json_see see = root.at[0] == '{' ? SEE_ALL : SEE_VALUE;

    put_value(&p, root, view ? see : SEE_ALL, true);
    p.room = arena_alloc(arena, p.len);
    if (!p.room)
        return TEXT_NULL;
    p.len = 0;
    put_value(&p, root, view ? see : SEE_ALL, true);
    return p.failed ? TEXT_NULL : (struct text){p.room, p.len};
}
