/*
 * JSON in: one strict pass over the bytes, then a tree of values that know from which bytes they were read.
 *
 * The pass accepts RFC 8259. It refuses what Python's json accepts beyond that (NaN, Infinity), what
 * PostgreSQL cannot store (\u0000, lone surrogates), numbers beyond a double's range, nesting deeper than
 * JSON_DEPTH and trailing text. The tree is cJSON's, allocated in the given arena, and has only the values
 * that a view sees (json_view.h). Every value knows its span of the input, so numbers keep all their digits,
 * and objects with any members their bytes.
 */
#ifndef COMMON_JSON_JSON_H
#define COMMON_JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/text.h"
#include "common/json/json_scan.h"
#include "common/json/json_view.h"

struct json; /* a value; lives as long as the arena and the bytes it was parsed from */

/*
 * A value that is stored and printed as the bytes that were received: `bytes.at == NULL` is the null of SQL.
 */
struct kept_json {
    struct text bytes;
};

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_OBJECT };

/*
 * Parses `bytes`, which must stay where they are as long as the tree is used. A UTF-8 byte order mark at the
 * start is skipped. On JSON_OK `*value` is the root; on JSON_INVALID `*error` is filled in. May wait if there
 * are more than JSON_SHARE_AFTER bytes.
 */
MUST_CHECK enum json_status json_parse(struct arena *arena, struct text bytes, const struct json **value,
                                       struct json_error *error);

/*
 * The same, but the tree has only the values that the view sees. Each of them still has all its bytes, and is
 * printed whole.
 */
MUST_CHECK enum json_status json_parse_seen(struct arena *arena, struct text bytes,
                                            const struct json_view *view, const struct json **value,
                                            struct json_error *error);

/* The text of a string in its quotes; in the arena if it has escapes. False when memory is exhausted. */
MUST_CHECK bool json_decoded(struct arena *arena, struct text string, struct text *decoded);

enum json_type json_type(const struct json *value);

/* The bytes of the value as they were received, without white space around them. */
struct text json_raw(const struct json *value);

/* The decoded bytes of a JSON_TEXT (UTF-8, never with a NUL). */
struct text json_text(const struct json *value);

bool json_bool(const struct json *value);

/* The value of a JSON_NUMBER as a double; an integer beyond a double's range is the largest one. */
double json_double(const struct json *value);

/*
 * Whether a JSON_NUMBER has neither a fraction nor an exponent, which is how Python distinguishes int from
 * float.
 */
bool json_is_integer(const struct json *value);

/* The last member of that exact name, or NULL: of equal names the last wins. */
const struct json *json_member(const struct json *object, const char *name);

/* The first member or item, the one after, and a member's name (decoded). */
const struct json *json_first(const struct json *value);
const struct json *json_next(const struct json *value);
struct text json_name(const struct json *member);

/* A member of an object. */
struct json_entry {
    struct text name;
    const struct json *value;
};

/*
 * The members of an object as a dictionary would hold them: of equal names the last value at the first one's
 * place. The array is in the arena. Returns false when memory is exhausted.
 */
MUST_CHECK bool json_entries(struct arena *arena, const struct json *object, struct json_entry **entries,
                             size_t *count);

#endif
