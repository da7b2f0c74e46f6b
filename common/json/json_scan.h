/* The strict pass over the bytes of a JSON text, used by json.c: is it JSON, and where is each value? */
#ifndef COMMON_JSON_JSON_SCAN_H
#define COMMON_JSON_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/text.h"

#define JSON_DEPTH  64   /* levels of nested arrays and objects */
#define JSON_DIGITS 4300 /* of an integer, the most that Python's int() accepts */

enum json_status {
    JSON_OK,
    JSON_INVALID,    /* not JSON: `reason` and `position` say why and where */
    JSON_UNREADABLE, /* not UTF-8, nested too deep, or an integer of more than 4300 digits */
    JSON_NO_MEMORY,
};

struct json_error {
    const char *reason; /* in the words of Python's json; static */
    size_t position;    /* in code points from the start, as Python counts */
};

#define JSON_NUMBER_READ 63 /* bytes of a number that cJSON reads */

/* Bytes, a fraction of a millisecond of work, before a turn is shared. */
#define JSON_SHARE_AFTER ((size_t)32 << 10)

struct json_scanned {
    struct text root;      /* without the white space around it */
    size_t longest_number; /* bytes */
};

/*
 * Reads `bytes` (valid UTF-8, without a byte order mark). The grammar is RFC 8259; reasons and positions of
 * errors are those of Python 3.13's json. Nothing is kept in the arena.
 */
MUST_CHECK enum json_status json_scan(struct arena *arena, struct text bytes, struct json_scanned *scanned,
                                      struct json_error *error);

/* The double nearest to a number of the grammar, infinite if it is out of range. */
MUST_CHECK bool json_number(struct arena *arena, struct text number, double *value);

#endif
