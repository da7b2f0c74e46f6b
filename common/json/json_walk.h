/*
 * Walks over the bytes of a text that json_scan has accepted: where is each item, without a tree.
 */
#ifndef COMMON_JSON_JSON_WALK_H
#define COMMON_JSON_JSON_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/text.h"

struct json_walk {
    const char *at;
    bool object;
};

/* An item of a list, or a member of an object, whose name is quoted and still escaped; null in a list. */
struct json_item {
    struct text name, value;
};

/* Begins in front of the first item of a list or an object. */
struct json_walk json_walk_into(struct text container);

/* The next item; false: there are no more. */
bool json_walk_next(struct json_walk *walk, struct json_item *item) MUST_CHECK;

/* How many items a list or an object has. */
size_t json_count(struct text container);

/* Whether a string, in its quotes, has escapes; what is between the quotes of one that has none. */
bool json_has_escapes(struct text string);
struct text json_unquoted(struct text string);

/* Whether a number is written without fraction and exponent. */
bool json_is_integral(struct text number);

/*
 * Of equal names the last member counts, at the first one's place: `last[i]` becomes the place of the last
 * member of that name, SIZE_MAX where name i was there before. False when memory is exhausted.
 */
MUST_CHECK bool json_last_members(struct arena *arena, const struct text *names, size_t count, size_t *last);

#endif
