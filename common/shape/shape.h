/*
 * The shapes of input and output: a field is declared once, and everything uses that declaration.
 *
 * A shape describes a plain C struct: the validator fills it from a path, a query or a JSON body, the writer
 * prints it, and the OpenAPI document is generated from it. Every type has a value for null:
 *
 * - FIELD_TEXT, FIELD_EMAIL: struct text, at == NULL
 * - FIELD_OBJECT, FIELD_INT_MAP, FIELD_KEPT_LIST: struct kept_json, bytes.at == NULL
 * - FIELD_INT: int64_t, INT_NULL
 * - FIELD_BOOL: int8_t, BOOL_NULL
 * - FIELD_FLOAT: double, NaN
 * - FIELD_TIME_NAIVE, FIELD_TIME_Z, FIELD_TIME_OFFSET: struct moment, MOMENT_NULL
 * - FIELD_TEXTS, FIELD_INTS, FIELD_FLOATS: struct texts, ints or floats, items == NULL
 * - FIELD_LIST, FIELD_MAP: struct rows, an array of the structs of `of`; it has no null
 * - FIELD_MEMBERS: struct kept_json, an object; it has no null
 * - FIELD_CONST, FIELD_IGNORED: nothing
 *
 * declare.h has the macros that declare fields and shapes.
 */
#ifndef COMMON_SHAPE_SHAPE_H
#define COMMON_SHAPE_SHAPE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/text.h"
#include "common/json/json.h"
#include "common/json/writer.h"
#include "common/shape/fault.h"

#define INT_NULL  INT64_MIN
#define BOOL_NULL ((int8_t)-1)

#define INT32_LOW  ((int64_t)INT32_MIN)
#define INT32_HIGH ((int64_t)INT32_MAX)

#define TEXT_LIMIT                                                                                           \
    65536 /* code points of a text whose field has no limit of its own: the setting's default */
#define LIST_LIMIT 10000 /* items of a list: the setting's default */
#define NAME_LIMIT 255   /* code points of names, types and ids */

enum field_type {
    FIELD_TEXT,
    FIELD_EMAIL, /* in: validated and normalised by email.h */
    FIELD_INT,   /* bounded by min and max */
    FIELD_BOOL,
    FIELD_FLOAT,
    FIELD_TIME_NAIVE,
    FIELD_TIME_Z,
    FIELD_TIME_OFFSET,
    FIELD_TEXTS,     /* a list of strings */
    FIELD_INTS,      /* out: a list of integers */
    FIELD_FLOATS,    /* out: a list of numbers; its NaN are printed as those of a FIELD_FLOAT */
    FIELD_KEPT_LIST, /* out: a list as JSON, printed as it is: of strings, FIELD_MIXED of integers too, or of
                        `of` */
    FIELD_OBJECT,    /* any JSON object, kept as the bytes that were sent; out: JSON printed as it is, an `of`
                        if that is given */
    FIELD_INT_MAP,   /* an object of integers; in: coerced to them, all other bytes kept; out: as FIELD_OBJECT
                      */
    FIELD_LIST,      /* out: a list of `of` */
    FIELD_MAP, /* out: an object of `of`, named by the first field of `of`, which is not repeated inside */
    FIELD_MEMBERS, /* strings, numbers and booleans of any other name; out: those of an object, among the
                      fields */
    FIELD_IGNORED, /* in: documented and accepted, whatever it is, and not stored */
    FIELD_CONST,   /* out: `example`, JSON, printed as it is */
};

enum field_flag {
    FIELD_REQUIRED = 1 << 0, /* in: must be sent */
    FIELD_NULLABLE = 1 << 1, /* may be null (in and out) */
    FIELD_ZERO = 1 << 2,     /* out: a FIELD_FLOAT or the items of a FIELD_FLOATS print their null as `0`
                                (averages and rates of nothing) */
    FIELD_CAPPED = 1 << 3,   /* in: a FIELD_INT beyond 64 bits counts as INT64_MAX */
    FIELD_OPTIONAL = 1 << 4, /* out: left out if it is null: a text, an integer, a boolean, an object or a
                                kept list */
    FIELD_MIXED = 1 << 5,    /* out: see FIELD_KEPT_LIST */
};

struct shape;

/* Lists of numbers in an arena; `items == NULL` is null. */
struct ints {
    int64_t *items;
    size_t count;
};
struct floats {
    double *items;
    size_t count;
};

struct field {
    const char *name;
    enum field_type type;
    unsigned flags;
    size_t at;        /* offsetof the value */
    size_t sent_at;   /* in: offsetof an int8_t, 1 if the member was sent; 0: not needed */
    int64_t min, max; /* FIELD_INT: the bounds; 0, 0 means 32 bits */
    size_t limit;     /* code points of a text or of a list's items; 0 means the setting STRING_LIMIT */
    const char *const *choices; /* in: the only values that a text may have, NULL after the last; NULL: any */
    const char *fallback;       /* in: the JSON value if the member is not sent; NULL: its null */
    const struct shape *of;
    const char *help;    /* one sentence, for the OpenAPI document */
    const char *example; /* JSON, for the OpenAPI document; of a FIELD_CONST its value */
};

struct shape {
    const char *name; /* in the OpenAPI document */
    const char *help;
    size_t size; /* sizeof the struct */
    const struct field *fields;
    size_t count;
};

/* An array of structs of some shape, in an arena. */
struct rows {
    void *items;
    size_t count;
};

/* The limits that settings may change; one per process, set before the workers start. */
struct shape_limits {
    size_t text; /* code points of a text */
    size_t list; /* items of a list or of an integer map */
};

/* Sets the validator's limits; before any request. */
void shape_set_limits(const struct shape_limits *limits);

/* The most items of a list that is read. */
size_t shape_list_limit(void);

/* The view with which a body is parsed before the shape is read from it. The shape must outlive it. */
struct json_view shape_view(const struct shape *shape);

/*
 * Fills `*into` (cleared by the caller, `shape->size` bytes) from a JSON body. Faults are added in declared
 * order. The value may be NULL (an empty body) or of any type: one that is not an object is a fault of the
 * whole body. Texts point into the arena or the bytes parsed. Returns false only when memory is exhausted.
 */
MUST_CHECK bool shape_read_json(const struct shape *shape, struct arena *arena, const struct json *value,
                                void *into, struct faults *faults);

/*
 * Fills `*into` from named strings (path segments or query parameters, percent-decoded, valid UTF-8): of
 * equal names the last wins, strings are coerced as Pydantic's lax mode does, unknown names are ignored.
 */
struct named_text {
    struct text name;
    struct text value;
};
MUST_CHECK bool shape_read_texts(const struct shape *shape, struct arena *arena,
                                 const struct named_text *texts, size_t count, enum fault_place place,
                                 void *into, struct faults *faults);

/* Prints a struct as a JSON object, and an array of structs as a list. */
void shape_write(struct writer *w, const struct shape *shape, const void *from);
void shape_write_list(struct writer *w, const struct shape *shape, struct rows rows);

/* Prints the items of a list without its brackets; `first`: no item of the list was printed before. */
void shape_write_items(struct writer *w, const struct shape *shape, struct rows rows, bool first);

#endif
