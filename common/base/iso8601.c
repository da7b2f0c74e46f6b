#include "common/base/iso8601.h"

#define MICROSECONDS ((int64_t)1000000)

/* Reads exactly `digits` digits at the start of what is left, and passes over them. */
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

/* Passes over one of the characters. */
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
    int64_t digit, unit = MICROSECONDS / 10;

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
    *microseconds = (hour * 3600 + minute * 60 + second) * MICROSECONDS + fraction;
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
    *microseconds = (hours * 3600 + minutes * 60) * MICROSECONDS * (west ? -1 : 1);
    return true;
}

bool iso8601_is_date(struct text t)
{
    int64_t days;

    return take_date(&t, &days) && t.len == 0;
}

bool iso8601_read_time(struct text t, int64_t *microseconds)
{
    int64_t days, clock = 0, offset = 0;

    if (!take_date(&t, &days))
        return false;
    if (t.len && (!take_one_of(&t, TEXT("Tt ")) || !take_clock(&t, &clock) || !take_offset(&t, &offset)))
        return false;
    *microseconds = days * 86400 * MICROSECONDS + clock - offset;
    return t.len == 0;
}
