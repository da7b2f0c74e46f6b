/* Numbers and times as text: floats as Python prints them, times as ISO 8601 (writer.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/json/writer.h"

#define DIGITS_SURE 15 /* decimal digits that a normal double holds, DBL_DIG */
#define DIGITS_MAX  17 /* digits that tell every double from its neighbours */

#define SECOND           INT64_C(1000000) /* in microseconds */
#define DAY_SECONDS      86400
#define DAYS_OF_CYCLE    146097                               /* 400 years */
#define DAYS_BEFORE_1970 719468                               /* since 1 March of the year 0 */
#define TIME_LOW         (INT64_C(-62135596800) * SECOND)     /* 0001-01-01 */
#define TIME_HIGH        (INT64_C(253402300800) * SECOND - 1) /* the last microsecond of 9999 */

/* A decimal of `count` digits, the point behind the first, times ten to the `exponent`. */
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

/* The next larger decimal of as many digits. */
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
 * The fewest digits that read back as `d`, and of those the nearest to it. Up to 15 digits are unique to a
 * normal double, so its search begins there; only a subnormal one can have shorter neighbours. Doubles above
 * a power of two lie twice as far apart as those below it: what reads back as it may be not the nearest
 * decimal, below it, but that one's larger neighbour.
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

static char *put_digits(char *out, unsigned n, int count)
{
    for (int i = count - 1; i >= 0; i--, n /= 10)
        out[i] = (char)('0' + n % 10);
    return out + count;
}

/* The date of a day since 1970 in the Gregorian calendar, by its 400-year cycles that begin in March. */
static char *put_date(char *out, int64_t day)
{
    int64_t since = day + DAYS_BEFORE_1970;
    int64_t cycle = since / DAYS_OF_CYCLE;
    unsigned in_cycle = (unsigned)(since % DAYS_OF_CYCLE);
    unsigned year = (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / 146096) / 365;
    unsigned in_year = in_cycle - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * in_year + 2) / 153; /* 0 is March; five months have 153 days */

    unsigned of_month = in_year - (153 * month + 2) / 5;
    year += (unsigned)cycle * 400 + (month >= 10);
    out = put_digits(out, year, 4);
    *out++ = '-';
    out = put_digits(out, month < 10 ? month + 3 : month - 9, 2);
    *out++ = '-';
    return put_digits(out, of_month + 1, 2);
}

size_t time_print(char *out, int64_t microseconds, enum time_form form)
{
    static const char *const suffixes[] = {[TIME_NAIVE] = "", [TIME_Z] = "Z", [TIME_OFFSET] = "+00:00"};
    char *end = out;

    if (microseconds < TIME_LOW)
        microseconds = TIME_LOW;
    if (microseconds > TIME_HIGH)
        microseconds = TIME_HIGH;
    int64_t since = microseconds - TIME_LOW; /* from here on nothing is negative */
    unsigned fraction = (unsigned)(since % SECOND);
    unsigned second = (unsigned)(since / SECOND % DAY_SECONDS);
    end = put_date(end, since / SECOND / DAY_SECONDS + TIME_LOW / SECOND / DAY_SECONDS);
    *end++ = 'T';
    end = put_digits(end, second / 3600, 2);
    *end++ = ':';
    end = put_digits(end, second / 60 % 60, 2);
    *end++ = ':';
    end = put_digits(end, second % 60, 2);
    if (fraction) {
        *end++ = '.';
        end = put_digits(end, fraction, 6);
    }
    size_t suffix = strlen(suffixes[form]);
    memcpy(end, suffixes[form], suffix);
    return (size_t)(end - out) + suffix;
}
