/*
 * Views: the parts of a JSON text that become a tree; the rest is never parsed into one and costs no memory.
 */
#ifndef COMMON_JSON_JSON_VIEW_H
#define COMMON_JSON_JSON_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/text.h"
#include "common/json/json_walk.h"

/* How much of a value is seen. */
enum json_see {
    SEE_NOTHING, /* nothing: the member is left out */
    SEE_VALUE,   /* a list or an object appears to be empty */
    SEE_ITEMS,   /* the items too, each as SEE_VALUE */
    SEE_ALL,
};

/* Which members of an object at the root are seen. Any other root is seen as SEE_VALUE. */
struct json_view {
    enum json_see (*member)(const void *of, struct text name); /* not called for names with escapes */
    const void *of;
    size_t items_most; /* a list with more items is seen as SEE_VALUE; json_count counts them */
};

/* How much of an item is seen if its container is `see`n so; `root`: the container is the root. */
enum json_see json_view_item(const struct json_view *view, enum json_see see, bool root,
                             const struct json_item *item);

/*
 * Prints what is seen of the text into the arena, with numbers that are too long for cJSON shortened to
 * seventeen digits, which read back as the same double. The null text when memory is exhausted. Does not
 * wait.
 */
struct text json_view_text(const struct json_view *view, struct arena *arena, struct text root);

#endif
