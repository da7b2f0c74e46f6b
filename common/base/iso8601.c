#include "common/base/iso8601.h"

#define DAY_SECONDS      86400
#define DAYS_OF_CYCLE    146097                                      /* 400 years */
#define DAYS_BEFORE_1970 719468                                      /* since 1 March of the year 0 */
#define TIME_LOW         (INT64_C(-62135596800) * MOMENT_SECOND)     /* 0001-01-01 */
#define TIME_HIGH        (INT64_C(253402300800) * MOMENT_SECOND - 1) /* the last microsecond of 9999 */

/* Reads exactly `digits` digits at the start of what is left, and skips them. */
static bool take_number(struct text *left, size_t digits, int64_t *number)
{
    if (left->len < digits)
        return false;
    *number = 0;
    for (size_t i = 0; i < digits; i++) {
        if (left->at[i] < '0' || left->at[i] > '9')
            return false;
        *number = *number * 10 + (left->at[i] - '0');
    }
    *left = (struct text){left->at + digits, left->len - digits};
    return true;
}

/* Skips one of the characters. */
static bool take_one_of(struct text *left, struct text characters)
{
    if (!left->len || !memchr(characters.at, left->at[0], characters.len))
        return false;
    *left = (struct text){left->at + 1, left->len - 1};
    return true;
}

static int64_t days_of_month(int64_t year, int64_t month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap);
}

/* Days since 1970-01-01. Years are counted from March, so that a leap day is the last of its year. */
static int64_t days_since_1970(int64_t year, int64_t month, int64_t day)
{
    int64_t years = month > 2 ? year : year - 1;
    int64_t months = month > 2 ? month - 3 : month + 9;
    int64_t days = years * 365 + years / 4 - years / 100 + years / 400 + (months * 153 + 2) / 5 + day - 1;

    return days - 719468; /* from 0000-03-01 to 1970-01-01 */
}

static bool take_date(struct text *left, int64_t *days)
{
    int64_t year, month, day;

    if (!take_number(left, 4, &year) || !take_one_of(left, TEXT("-")) || !take_number(left, 2, &month) ||
        !take_one_of(left, TEXT("-")) || !take_number(left, 2, &day))
        return false;
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month))
        return false;
    *days = days_since_1970(year, month, day);
    return true;
}

/* `.ffffff` or nothing, in microseconds. */
static bool take_fraction(struct text *left, int64_t *microseconds)
{
    int64_t digit, unit = MOMENT_SECOND / 10;

    *microseconds = 0;
    if (!take_one_of(left, TEXT(".")))
        return true;
    if (!take_number(left, 1, &digit))
        return false;
    do {
        *microseconds += digit * unit;
        unit /= 10;
    } while (take_number(left, 1, &digit));
    return true;
}

/* `hh:mm[:ss[.ffffff]]`, in microseconds. */
static bool take_clock(struct text *left, int64_t *microseconds)
{
    int64_t hour, minute, second = 0, fraction = 0;

    if (!take_number(left, 2, &hour) || !take_one_of(left, TEXT(":")) || !take_number(left, 2, &minute))
        return false;
    if (take_one_of(left, TEXT(":")) && (!take_number(left, 2, &second) || !take_fraction(left, &fraction)))
        return false;
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *microseconds = (hour * 3600 + minute * 60 + second) * MOMENT_SECOND + fraction;
    return true;
}

/* `Z`, `±hh:mm` or nothing, in microseconds east of UTC. */
static bool take_offset(struct text *left, int64_t *microseconds)
{
    int64_t hours, minutes;

    *microseconds = 0;
    if (!left->len || take_one_of(left, TEXT("Zz")))
        return true;
    bool west = left->at[0] == '-';
    if (!take_one_of(left, TEXT("+- ")) || !take_number(left, 2, &hours) || !take_one_of(left, TEXT(":")) ||
        !take_number(left, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *microseconds = (hours * 3600 + minutes * 60) * MOMENT_SECOND * (west ? -1 : 1);
    return true;
}

bool iso8601_is_date(struct text t)
{
    int64_t days;

    return take_date(&t, &days) && t.len == 0;
}

bool iso8601_read_time(struct text t, struct moment *moment)
{
    int64_t days, clock = 0, offset = 0;

    if (!take_date(&t, &days))
        return false;
    if (t.len && (!take_one_of(&t, TEXT("Tt ")) || !take_clock(&t, &clock) || !take_offset(&t, &offset)))
        return false;
    moment->us = days * 86400 * MOMENT_SECOND + clock - offset;
    return t.len == 0;
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

size_t time_print(char *out, struct moment moment, enum time_form form)
{
    static const char *const suffixes[] = {[TIME_NAIVE] = "", [TIME_Z] = "Z", [TIME_OFFSET] = "+00:00"};
    int64_t microseconds = moment.us;
    char *end = out;

    if (microseconds < TIME_LOW)
        microseconds = TIME_LOW;
    if (microseconds > TIME_HIGH)
        microseconds = TIME_HIGH;
    int64_t since = microseconds - TIME_LOW; /* from here on nothing is negative */
    unsigned fraction = (unsigned)(since % MOMENT_SECOND);
    unsigned second = (unsigned)(since / MOMENT_SECOND % DAY_SECONDS);
    end = put_date(end, since / MOMENT_SECOND / DAY_SECONDS + TIME_LOW / MOMENT_SECOND / DAY_SECONDS);
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

bool time_has_local(struct moment moment, int64_t east)
{
    struct moment local;

    return !__builtin_add_overflow(moment.us, east * MOMENT_SECOND, &local.us) && local.us >= TIME_LOW &&
           local.us <= TIME_HIGH;
}

size_t time_print_local(char *out, struct moment moment, int64_t east)
{
    struct moment local;
    uint64_t offset = (uint64_t)(east < 0 ? -east : east);

    if (__builtin_add_overflow(moment.us, east * MOMENT_SECOND, &local.us))
        local = moment;
    char *end = out + time_print(out, local, TIME_NAIVE);
    *end++ = east < 0 ? '-' : '+';
    end = put_digits(end, (unsigned)(offset / 3600 % 100), 2);
    *end++ = ':';
    end = put_digits(end, (unsigned)(offset / 60 % 60), 2);
    if (offset % 60) {
        *end++ = ':';
        end = put_digits(end, (unsigned)(offset % 60), 2);
    }
    return (size_t)(end - out);
}
