#include "common/shape/coerce.h"

#include <inttypes.h>
#include <math.h>

#include "common/base/declare.h"

#define INT64_EDGE 0x1p63 /* the first double beyond 64 bits on either side; Pydantic accepts neither */

struct text input_text(const struct input *input)
{
    if (!input->value)
        return input->string;
    return json_type(input->value) == JSON_TEXT ? json_text(input->value) : TEXT_NULL;
}

/* How many bytes of white space (Unicode's White_Space, which Pydantic trims) the text has at one end. */
static size_t space_at_end(struct text t, bool back)
{
    static const char *const spaces[] = {
        "\t",           "\n",           "\v",           "\f",           "\r",           " ",
        "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82",
        "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88",
        "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f",
        "\xe3\x80\x80",
    };

    for (size_t i = 0; i < COUNT(spaces); i++) {
        size_t len = strlen(spaces[i]);
        if (len <= t.len && memcmp(back ? t.at + t.len - len : t.at, spaces[i], len) == 0)
            return len;
    }
    return 0;
}

static struct text trimmed(struct text t)
{
    size_t len;

    while ((len = space_at_end(t, false)))
        t = (struct text){t.at + len, t.len - len};
    while ((len = space_at_end(t, true)))
        t.len -= len;
    return t;
}

/* The number without a `.000` at its end. */
static struct text without_zero_fraction(struct text t)
{
    size_t len = t.len;

    while (len && t.at[len - 1] == '0')
        len--;
    if (len && len < t.len && t.at[len - 1] == '.')
        t.len = len - 1;
    return t;
}

/*
 * `+1_000.00` and the like: a sign, digits with single underscores between them, and zeros after a point.
 * Between leading zeros Pydantic accepts any number of underscores.
 */
static enum coercion digits_of_text(struct arena *arena, struct text t, struct text *digits)
{
    t = without_zero_fraction(trimmed(t));
    char *out = arena_alloc(arena, t.len + 1);
    size_t len = 0, first, i = 0;

    if (!out)
        return COERCION_NO_MEMORY;
    if (i < t.len && (t.at[i] == '-' || t.at[i] == '+'))
        i++;
    if (i && t.at[0] == '-')
        out[len++] = '-';
    first = len;
    for (bool after_digit = false; i < t.len; i++) {
        bool digit = t.at[i] >= '0' && t.at[i] <= '9';
        bool only_zeros = len == first + 1 && out[first] == '0';
        if (!digit && (t.at[i] != '_' || i + 1 == t.len || !(after_digit || only_zeros)))
            return COERCION_PARSING;
        after_digit = digit;
        if (digit && only_zeros)
            len--;
        if (digit)
            out[len++] = t.at[i];
    }
    *digits = (struct text){out, len};
    return len > first ? COERCION_GOOD : COERCION_PARSING;
}

static enum coercion digits_of_number(struct arena *arena, const struct json *value, struct text *digits)
{
    double d = json_double(value);

    if (json_is_integer(value)) {
        *digits = json_raw(value);
        return COERCION_GOOD;
    }
    if (d != trunc(d))
        return COERCION_FRACTION;
    if (!(d > -INT64_EDGE && d < INT64_EDGE))
        return COERCION_SIZE;
    *digits = text_of(arena_printf(arena, "%" PRId64, (int64_t)d));
    return digits->at ? COERCION_GOOD : COERCION_NO_MEMORY;
}

enum coercion coerce_digits(struct arena *arena, const struct input *input, struct text *digits)
{
    struct text string = input_text(input);

    if (string.at)
        return digits_of_text(arena, string, digits);
    switch (json_type(input->value)) {
    case JSON_NUMBER:
        return digits_of_number(arena, input->value, digits);
    case JSON_BOOL:
        *digits = json_bool(input->value) ? TEXT("1") : TEXT("0");
        return COERCION_GOOD;
    default:
        return COERCION_TYPE;
    }
}

bool digits_value(struct text digits, int64_t *value)
{
    bool negative = digits.at[0] == '-';
    int64_t n = 0;

    for (size_t i = negative; i < digits.len; i++) {
        int digit = digits.at[i] - '0';
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_sub_overflow(n, digit, &n))
            return false;
    }
    /* Negative numbers are used because the least integer has no positive counterpart. */
    if (!negative && n == INT64_MIN)
        return false;
    *value = negative ? n : -n;
    return true;
}

static enum coercion bool_of_text(struct text t, bool *value)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {
        {"true", true}, {"false", false}, {"1", true}, {"0", false}, {"yes", true}, {"no", false},
        {"on", true},   {"off", false},   {"t", true}, {"f", false}, {"y", true},   {"n", false},
    };

    for (size_t i = 0; i < COUNT(words); i++) {
        if (text_equal_folded(t, text_of(words[i].word))) {
            *value = words[i].value;
            return COERCION_GOOD;
        }
    }
    return COERCION_PARSING;
}

/* A number that is not a 64-bit integer is of the wrong type here, as in Pydantic. */
static enum coercion bool_of_number(const struct json *number, bool *value)
{
    double d = json_double(number);
    int64_t n;

    if (json_is_integer(number)) {
        if (!digits_value(json_raw(number), &n))
            return COERCION_TYPE;
    } else {
        if (d != trunc(d) || !(d > -INT64_EDGE && d < INT64_EDGE))
            return COERCION_TYPE;
        n = (int64_t)d;
    }
    *value = n == 1;
    return n == 0 || n == 1 ? COERCION_GOOD : COERCION_PARSING;
}

enum coercion coerce_bool(const struct input *input, bool *value)
{
    struct text string = input_text(input);

    if (string.at)
        return bool_of_text(string, value);
    switch (json_type(input->value)) {
    case JSON_NUMBER:
        return bool_of_number(input->value, value);
    case JSON_BOOL:
        *value = json_bool(input->value);
        return COERCION_GOOD;
    default:
        return COERCION_TYPE;
    }
}
