/*
 * Time zones by their names in the IANA database, as known to PostgreSQL.
 *
 * A worker reads the names once, when they are first needed.
 */
#ifndef COMMON_ITEMS_ZONE_H
#define COMMON_ITEMS_ZONE_H

#include <stdbool.h>

#include "common/base/declare.h"
#include "common/base/moment.h"
#include "common/base/text.h"
#include "common/serve/part.h"

struct request;

/*
 * Whether there is a time zone of that name; offsets and POSIX strings are not names. False: the reply is
 * 503. Waits.
 */
bool zone_look_up(struct request *rq, struct text name, bool *known) MUST_CHECK;

/*
 * Two days, either may be null: first their midnights in UTC, after zone_begin_days() when they begin in the
 * zone.
 */
struct zone_days {
    struct text zone;
    struct moment from, to;
};

/*
 * Replaces the midnights of the days by their beginnings in the zone, which must exist. False: the reply is
 * 503. Waits.
 */
bool zone_begin_days(struct request *rq, struct zone_days *days) MUST_CHECK;

/* A worker's list of the names of time zones. */
extern const struct part zones_part;

#endif
