/* Numbers as text: floats as Python prints them (writer.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/json/writer.h"

#define DIGITS_SURE 15 /* decimal digits that a normal double holds, DBL_DIG */
#define DIGITS_MAX  17 /* digits that tell every double from its neighbours */

/* A decimal of `count` digits with the point after the first, times ten to the power of `exponent`. */
struct decimal {
    char digits[DIGITS_MAX + 1];
    int count;
    int exponent;
};

/* The decimal of `count` digits that is nearest to `d`, which is positive. */
static struct decimal nearest_decimal(double d, int count)
{
    struct decimal result = {.count = count};
    char text[FLOAT_TEXT_MAX];

    snprintf(text, sizeof(text), "%.*e", count - 1, d);
    result.digits[0] = text[0];
    memcpy(result.digits + 1, text + 2, (size_t)count - 1);
    result.exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    return result;
}

/* The next larger decimal with the same number of digits. */
static struct decimal next_decimal(struct decimal decimal)
{
    int i = decimal.count - 1;

    while (i >= 0 && decimal.digits[i] == '9')
        decimal.digits[i--] = '0';
    if (i >= 0) {
        decimal.digits[i]++;
    } else {
        decimal.digits[0] = '1';
        decimal.exponent++;
    }
    return decimal;
}

static bool reads_as(const struct decimal *decimal, double d)
{
    char text[FLOAT_TEXT_MAX];

    snprintf(text, sizeof(text), "%c.%.*se%d", decimal->digits[0], decimal->count - 1, decimal->digits + 1,
             decimal->exponent);
    return strtod(text, NULL) == d;
}

/*
 * The shortest decimal that reads back as `d`, and of several the nearest to `d`. Up to 15 digits are unique
 * to a normal double, so the search begins there; only a subnormal one may need fewer. Doubles above a power
 * of two are twice as far apart as those below it: for a power of two, the decimal that reads back may be not
 * the nearest one, which is below it, but the next larger one.
 */
static struct decimal shortest_decimal(double d)
{
    int power;
    bool uneven = frexp(d, &power) == 0.5;
    struct decimal decimal;

    for (int count = isnormal(d) ? DIGITS_SURE : 1;; count++) {
        decimal = nearest_decimal(d, count);
        if (count == DIGITS_MAX || reads_as(&decimal, d))
            break;
        decimal = next_decimal(decimal);
        if (uneven && reads_as(&decimal, d))
            break;
    }
    while (decimal.count > 1 && decimal.digits[decimal.count - 1] == '0')
        decimal.count--;
    return decimal;
}

size_t float_print(char *out, double d)
{
    int len;

    if (!isfinite(d))
        return (size_t)snprintf(out, FLOAT_TEXT_MAX, "%s", isnan(d) ? "nan" : d < 0 ? "-inf" : "inf");
    const char *sign = signbit(d) ? "-" : "";
    if (d == 0)
        return (size_t)snprintf(out, FLOAT_TEXT_MAX, "%s0.0", sign);
    struct decimal decimal = shortest_decimal(fabs(d));
    const char *digits = decimal.digits;
    int count = decimal.count;
    int whole = decimal.exponent + 1; /* digits before the point */
    if (whole < -3 || whole > 16)
        len = snprintf(out, FLOAT_TEXT_MAX, "%s%c%s%.*se%+03d", sign, digits[0], count > 1 ? "." : "",
                       count - 1, digits + 1, decimal.exponent);
    else if (whole <= 0)
        len = snprintf(out, FLOAT_TEXT_MAX, "%s0.%.*s%.*s", sign, -whole, "000", count, digits);
    else if (whole >= count)
        len = snprintf(out, FLOAT_TEXT_MAX, "%s%.*s%.*s.0", sign, count, digits, whole - count,
                       "0000000000000000");
    else
        len =
            snprintf(out, FLOAT_TEXT_MAX, "%s%.*s.%.*s", sign, whole, digits, count - whole, digits + whole);
    return (size_t)len;
}
