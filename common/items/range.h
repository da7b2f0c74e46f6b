/*
 * Ranges of time as a query names them: `from` ≤ t < `to`, and the `zone` whose days are meant.
 */
#ifndef COMMON_ITEMS_RANGE_H
#define COMMON_ITEMS_RANGE_H

#include <stdbool.h>

#include "common/base/declare.h"
#include "common/base/moment.h"
#include "common/base/text.h"

struct request;

/* As they came; null: not sent. */
struct range_text {
    struct text from, to, zone;
};

struct range {
    struct moment from, to; /* null: no bound */
    struct text zone;       /* a name of the IANA database */
};

/*
 * Reads a range: times as iso8601.h reads them, with six digits of a second at most; a date alone is the
 * first instant of that day in the zone, UTC where none is named. False: 422 or 503 is the reply. Waits.
 */
bool range_read(struct request *rq, const struct range_text *text, struct range *range) MUST_CHECK;

/* The fields of a query's shape; OF has their members. */
#define RANGE_FIELDS                                                                                         \
    FIELD(TEXT, from, .help = "The first moment: a time, UTC where it has no offset, or a day of the zone.", \
          .example = "\"2025-04-19T08:00:00Z\""),                                                            \
        FIELD(TEXT, to, .help = "The moment after the last.", .example = "\"2025-04-20\""),                  \
        FIELD(TEXT, zone, .fallback = "\"UTC\"", .help = "The time zone of days, by its IANA name.",         \
              .example = "\"Europe/Berlin\"")

#endif
