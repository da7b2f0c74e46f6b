/*
 * Dates and times in and out: ISO 8601 as restricted by RFC 3339, and the forms without an offset, which are
 * UTC.
 */
#ifndef COMMON_BASE_ISO8601_H
#define COMMON_BASE_ISO8601_H

#include <stdbool.h>

#include "common/base/moment.h"
#include "common/base/text.h"

/* How a point in time is printed: `2025-04-19T08:30:38.538812` and nothing, `Z` or `+00:00` after it. */
enum time_form { TIME_NAIVE, TIME_Z, TIME_OFFSET };

#define TIME_TEXT_MAX 40 /* the most bytes of a printed time */
#define DATE_TEXT     10 /* bytes of a printed date: 2025-04-19 */

/* Whether the text is `YYYY-MM-DD` and a day of the Gregorian calendar from year 1 on. */
bool iso8601_is_date(struct text t);

/*
 * Reads `YYYY-MM-DD`, or `YYYY-MM-DDThh:mm[:ss[.ffffff]]` with `Z`, `±hh:mm` or nothing after it. A space may
 * stand for the T, and for the `+`, which a query turns into one. Digits beyond microseconds are cut. False
 * if the text is not such a time; leap seconds are refused.
 */
bool iso8601_read_time(struct text t, struct moment *moment);

/*
 * A time without quotes into `out` (TIME_TEXT_MAX bytes); returns its length. A time before year 1 or after
 * year 9999 is printed as the first or last microsecond of that range.
 */
size_t time_print(char *out, struct moment moment, enum time_form form);

/*
 * The same as clocks show it that are `east` seconds ahead of UTC: `2025-10-26T01:00:00+02:00`. The offset
 * has seconds only where it is not whole minutes, as local mean times were.
 */
size_t time_print_local(char *out, struct moment moment, int64_t east);

/* Whether clocks that are `east` seconds ahead of UTC show a year from 1 to 9999: no other can be printed. */
bool time_has_local(struct moment moment, int64_t east);

#endif
