/*
 * The strict pass over the bytes of a JSON text, for json.c alone: is it JSON, and where is every value?
 */
#ifndef COMMON_JSON_JSON_SCAN_H
#define COMMON_JSON_JSON_SCAN_H

#include "common/json/json.h"

#define JSON_DIGITS 4300 /* of an integer, as Python's int() takes at most */

/* The values of a JSON text in document order: a list or object stands before what is in it. */
struct json_spans {
    struct text *items;
    size_t count;
    size_t longest_number; /* bytes of the longest number */
};

/*
 * Reads `bytes` (valid UTF-8, without a byte order mark). The grammar is RFC 8259; reasons and positions of
 * errors are those of Python 3.13's json. The spans are in the arena.
 */
enum json_status json_scan(struct arena *arena, struct text bytes, struct json_spans *spans,
                           struct json_error *error);

/* The double nearest to a number of the grammar, infinite where it is beyond the range. */
bool json_number(struct arena *arena, struct text number, double *value);

#endif
