/*
 * Time zones by their names in the IANA database, as known to PostgreSQL, and how time is divided in them.
 *
 * The process reads the names once, when it has started; a request that comes before that reads them itself.
 * PostgreSQL takes 40 ms for it, and seconds on a busy machine.
 */
#ifndef COMMON_ITEMS_ZONE_H
#define COMMON_ITEMS_ZONE_H

#include <stdbool.h>

#include "common/base/declare.h"
#include "common/base/moment.h"
#include "common/base/text.h"
#include "common/serve/part.h"
#include "common/shape/shape.h"

struct request;

/*
 * Whether there is a time zone of that name; offsets and POSIX strings are not names. False: the reply is
 * 503. Waits.
 */
bool zone_look_up(struct request *rq, struct text name, bool *known) MUST_CHECK;

/* The intervals that a range of time can be divided into: `hour`, `day`, `week`, `month`; NULL at the end. */
extern const char *const zone_intervals[];

/* A range of time in a zone, which must exist. */
struct zone_range {
    struct text zone, interval; /* null: it is not divided */
    struct moment from, to;     /* null: not given; `to` is now then */
    int8_t from_day, to_day;    /* whether they are days, of which the midnight in UTC is given */
    int64_t back; /* without `from` it begins so many intervals before the one that `to` lies in, or
                     if it is not divided so many times 24 hours before `to`; null: at no time */
    int64_t most; /* the search ends a few starts after this number */
};

/*
 * An interval's start, and the range as it was understood, which each row has. `east` is how many seconds the
 * clocks of the zone are ahead of UTC.
 */
struct zone_start {
    struct moment at; /* null: the range is not divided */
    int64_t east;
    struct moment from; /* null: not bounded */
    int64_t from_east;
    struct moment to;
    int64_t to_east;
    struct moment now;
};

/*
 * Finds the starts of the intervals that a range meets, in their order, and after them the first one at its
 * end or later. A day, week (from Monday) or month begins at the first instant whose local date is in it or
 * after; an hour at each instant whose local minute is 0 and at each change of the offset. An instant belongs
 * to the last interval that starts at it or before. At least one row is found. False: the reply is 503. For
 * endpoints that are reports. Waits.
 */
bool zone_find_starts(struct request *rq, const struct zone_range *range, struct rows *starts) MUST_CHECK;

/* The list of the names of time zones. */
extern const struct part zones_part;

#endif
