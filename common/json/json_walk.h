/* Walks over the bytes of a text that json_scan has accepted, to find its items without a tree. */
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

/* An item of a list, without a name; or a member of an object, its name in quotes and with its escapes. */
struct json_item {
    struct text name, value;
};

/* Begins before the first item of a list or an object. */
struct json_walk json_walk_into(struct text container);

/* Gives the next item; false: there are no more. */
bool json_walk_next(struct json_walk *walk, struct json_item *item) MUST_CHECK;

/* The number of items of a list or an object. */
size_t json_count(struct text container);

/* Whether a string, with its quotes, has escapes; and the string without its quotes, escapes unchanged. */
bool json_has_escapes(struct text string);
struct text json_unquoted(struct text string);

/* Whether a number has neither a fraction nor an exponent. */
bool json_is_integral(struct text number);

/*
 * If names are equal, the last member counts, at the place of the first: `last[i]` of the first becomes the
 * index of the last member of that name, SIZE_MAX for the others. False when memory is exhausted.
 */
MUST_CHECK bool json_last_members(struct arena *arena, const struct text *names, size_t count, size_t *last);

#endif
