/*
 * What of a JSON text is looked into, and becomes a tree: the rest stays bytes, and costs no memory.
 */
#ifndef COMMON_JSON_JSON_VIEW_H
#define COMMON_JSON_JSON_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/text.h"
#include "common/json/json_walk.h"

/* How far a value is looked into. */
enum json_see {
    SEE_NOTHING, /* a member that is left out */
    SEE_VALUE,   /* of a list or an object only that it is one: it seems to be empty */
    SEE_ITEMS,   /* its items too, each as SEE_VALUE */
    SEE_ALL,
};

/* Of an object at the root: which of its members. Any other root is seen as SEE_VALUE. */
struct json_view {
    enum json_see (*member)(const void *of, struct text name); /* a name with escapes is not asked about */
    const void *of;
    size_t items_most; /* a list with more items is seen as SEE_VALUE: json_count tells how many it has */
};

/* How far an item of a container is looked into, which itself is `see`n; `root`: the container is the root.
 */
enum json_see json_view_item(const struct json_view *view, enum json_see see, bool root,
                             const struct json_item *item);

/*
 * The text without what is not looked into, and with numbers that cJSON cannot read shortened to their
 * seventeen digits, which read back as the same double. The null text when memory is exhausted.
 */
struct text json_view_text(const struct json_view *view, struct arena *arena, struct text root);

#endif
