/* Ranges of time in a query: `from` ≤ t < `to`, and the `zone` of days. */
#ifndef COMMON_ITEMS_RANGE_H
#define COMMON_ITEMS_RANGE_H

#include <stdbool.h>

#include "common/base/declare.h"
#include "common/base/moment.h"
#include "common/base/text.h"
#include "common/items/zone.h"

struct request;

/* As sent; null: not sent. */
struct range_text {
    struct text from, to, zone;
};

struct range {
    struct moment from, to; /* null: no bound */
    struct text zone;       /* a name of the IANA database */
};

/*
 * Reads a range. Times are read as in iso8601.h, with at most six digits after the point; a date without a
 * time is the beginning of that day in the zone (default: UTC). False: the reply is 422 or 503. Waits.
 */
bool range_read(struct request *rq, const struct range_text *text, struct range *range) MUST_CHECK;

/* The first part of it: reads the bounds as they were sent, and checks the zone. Waits. */
bool range_parse(struct request *rq, const struct range_text *text, struct zone_range *range) MUST_CHECK;

/* The fields of a query's shape; OF must have their members. */
#define RANGE_FIELDS                                                                                         \
    FIELD(TEXT, from, .help = "The first moment: a time (UTC if it has no offset), or a day of the zone.",   \
          .example = "\"2025-04-19T08:00:00Z\""),                                                            \
        FIELD(TEXT, to, .help = "The moment after the last.", .example = "\"2025-04-20\""),                  \
        FIELD(TEXT, zone, .fallback = "\"UTC\"", .help = "The time zone of days, by its IANA name.",         \
              .example = "\"Europe/Berlin\"")

#endif
