/*
 * Macros that declare fields and shapes: a member is named once, its offset is computed, and its C type is
 * checked.
 *
 *     #define OF struct attempt
 *     static const struct field attempt_fields[] = {
 *         FIELD(TEXT, user_id, .flags = FIELD_NULLABLE, .example = "\"7be06c80\""),
 *         FIELD(INT, time_spent, .help = "Seconds.", .example = "300"),
 *     };
 *     const struct shape attempt_shape = SHAPE("LabAttempt", "An attempt at a lab.", attempt_fields);
 *     #undef OF
 */
#ifndef COMMON_SHAPE_DECLARE_H
#define COMMON_SHAPE_DECLARE_H

#include "common/base/declare.h"
#include "common/shape/shape.h"

/* The C type that a value of each kind has (shape.h). */
#define FIELD_C_TEXT        struct text
#define FIELD_C_EMAIL       struct text
#define FIELD_C_INT         int64_t
#define FIELD_C_BOOL        int8_t
#define FIELD_C_FLOAT       double
#define FIELD_C_TIME_NAIVE  struct moment
#define FIELD_C_TIME_Z      struct moment
#define FIELD_C_TIME_OFFSET struct moment
#define FIELD_C_TEXTS       struct texts
#define FIELD_C_INTS        struct ints
#define FIELD_C_FLOATS      struct floats
#define FIELD_C_KEPT_LIST   struct kept_json
#define FIELD_C_OBJECT      struct kept_json
#define FIELD_C_INT_MAP     struct kept_json
#define FIELD_C_LIST        struct rows
#define FIELD_C_MAP         struct rows
#define FIELD_C_MEMBERS     struct kept_json

/* A field with the name of its member of the struct OF; a member of another C type does not compile. */
#define FIELD(kind, member, ...) FIELD_NAMED(kind, #member, member, __VA_ARGS__)

/* The same with a name of its own; NULL: the members of a FIELD_MEMBERS. */
#define FIELD_NAMED(kind, label, member, ...)                                                                \
    {                                                                                                        \
        .name = (label),                                                                                     \
        .type = _Generic(((OF *)0)->member, FIELD_C_##kind                                                   \
                         : FIELD_##kind),                                                                    \
        .at = offsetof(OF, member), __VA_ARGS__                                                              \
    }

/* In: the int8_t of OF that becomes 1 if the field was sent. */
#define SENT(member) .sent_at = offsetof(OF, member) + _Generic(((OF *)0)->member, int8_t : 0)

/* In: the range of an id in a path, 64 bits; one that is too large for the column is not found. */
#define ROW_ID .min = INT64_MIN, .max = INT64_MAX

/* Out: always this JSON. */
#define FIXED(label, json)                                                                                   \
    {                                                                                                        \
        .name = (label), .type = FIELD_CONST, .example = (json)                                              \
    }

/* In: documented, accepted and not kept. */
#define IGNORED(label, ...)                                                                                  \
    {                                                                                                        \
        .name = (label), .type = FIELD_IGNORED, __VA_ARGS__                                                  \
    }

/* A shape of the struct OF with all of the fields; or without the last one, or the last few. */
#define SHAPE(label, about, of_fields)                                                                       \
    {                                                                                                        \
        .name = (label), .help = (about), .size = sizeof(OF), .fields = (of_fields),                         \
        .count = COUNT(of_fields)                                                                            \
    }
#define SHAPE_BUT_LAST(label, about, of_fields) SHAPE_BUT(1, label, about, of_fields)
#define SHAPE_BUT(few, label, about, of_fields)                                                              \
    {                                                                                                        \
        .name = (label), .help = (about), .size = sizeof(OF), .fields = (of_fields),                         \
        .count = COUNT(of_fields) - (few)                                                                    \
    }

#endif
