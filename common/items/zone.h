/*
 * Time zones by their names in the IANA database, as PostgreSQL has it.
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

/* Whether there is a time zone of that name; an offset or a POSIX string is none. False: 503 is the reply.
 * Waits. */
bool zone_look_up(struct request *rq, struct text name, bool *known) MUST_CHECK;

/* Days, each by its midnight in UTC or null, and then by when it begins in a zone that is known. */
struct zone_days {
    struct text zone;
    struct moment from, to;
};

/* The first instants of the days, in place. False: 503 is the reply. Waits. */
bool zone_begin_days(struct request *rq, struct zone_days *days) MUST_CHECK;

/* What a worker has that looks zones up. */
extern const struct part zones_part;

#endif
