/* Pydantic's lax mode: which JSON values and strings are accepted as integers and booleans. */
#ifndef COMMON_SHAPE_COERCE_H
#define COMMON_SHAPE_COERCE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/text.h"
#include "common/json/json.h"

/* The input for a field: a JSON value, or a string from the path or query. */
struct input {
    const struct json *value; /* NULL: `string` is the input */
    struct text string;
};

enum coercion {
    COERCION_GOOD,
    COERCION_PARSING,  /* of the right type, but not a valid value */
    COERCION_TYPE,     /* of a type that is never accepted */
    COERCION_FRACTION, /* a float with a fraction where an integer is required */
    COERCION_SIZE,     /* a float beyond 64 bits, or more than JSON_DIGITS digits */
    COERCION_NO_MEMORY,
};

/* The text of a JSON string or of `string`; the null text for anything else. */
MUST_CHECK struct text input_text(const struct input *input);

/*
 * The decimal digits of an integer of any size, after a `-` if it is negative: the bytes of a JSON integer,
 * otherwise without leading zeros.
 */
MUST_CHECK enum coercion coerce_digits(struct arena *arena, const struct input *input, struct text *digits);

/* The value of digits as coerce_digits gives them; false beyond 64 bits. */
MUST_CHECK bool digits_value(struct text digits, int64_t *value);

MUST_CHECK enum coercion coerce_bool(const struct input *input, bool *value);

#endif
