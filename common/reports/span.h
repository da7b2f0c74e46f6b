/*
 * The span of time that a report is about: `from`, `to` and `zone` of its query with the defaults of reports,
 * and how it is divided into intervals of the zone's clocks.
 *
 *     static const struct span_rules rules = {.interval = TEXT("day"), .back = 29};
 *
 *     if (!span_read(rq, &(struct range_text){query->from, query->to, query->zone}, &rules, &answer.span))
 *         return REPLIED;
 */
#ifndef COMMON_REPORTS_SPAN_H
#define COMMON_REPORTS_SPAN_H

#include <stdbool.h>

#include "common/base/declare.h"
#include "common/base/moment.h"
#include "common/base/text.h"
#include "common/items/range.h"
#include "common/shape/shape.h"

struct request;

#define SPAN_INTERVALS_MOST ((int64_t)1500)

/* What is not in the query. Without `to` the span ends now. */
struct span_rules {
    struct text interval; /* of zone_intervals; null: it is not divided */
    /*
     * Without `from` it begins so many intervals before the one that `to` lies in; if it is not divided, so
     * many times 24 hours before `to`.
     */
    int64_t back;
    bool history; /* instead: without `from` it has no beginning, and without both bounds no end */
};

struct span {
    struct moment from, to; /* from <= t < to; null: not bounded */
    struct moment now;      /* of the database */
    int64_t local_us; /* how long it is by the clocks of the zone, where every day has 24 hours; 0 if it is
                         not bounded */
    struct text zone;
    struct text from_text, to_text; /* as printed in the zone: 2025-10-26T01:00:00+02:00 */
    size_t count;                   /* of its intervals; 0 if it is not divided, or if it is empty */
    struct texts starts;            /* of the whole intervals that it meets, as printed in the zone */
    struct ints partial;  /* the places of those of which a part is not in it, or is in the future */
    struct moments edges; /* `from`, the starts of all intervals but the first, `to` */
};

/*
 * Reads a span. False: the reply is 422, also for more than SPAN_INTERVALS_MOST intervals, or 503. For
 * endpoints that are reports. Waits.
 */
bool span_read(struct request *rq, const struct range_text *text, const struct span_rules *rules,
               struct span *span) MUST_CHECK;

/* The fields of an answer's shape; OF must have the span as this member. */
#define SPAN_FIELDS(span, of_flags)                                                                          \
    FIELD_NAMED(TEXT, "zone", span.zone, .example = "\"Europe/Berlin\""),                                    \
        FIELD_NAMED(TEXT, "from", span.from_text, .flags = (of_flags),                                       \
                    .help = "The first moment, by the clocks of the zone.",                                  \
                    .example = "\"2025-10-26T01:00:00+02:00\""),                                             \
        FIELD_NAMED(TEXT, "to", span.to_text, .flags = (of_flags), .help = "The moment after the last.",     \
                    .example = "\"2025-10-26T03:00:00+01:00\"")
#define SPAN_STARTS_FIELDS(span)                                                                             \
    FIELD_NAMED(TEXTS, "starts", span.starts,                                                                \
                .help = "When each interval begins. It ends where the next one begins.",                     \
                .example = "[\"2025-10-26T01:00:00+02:00\",\"2025-10-26T02:00:00+02:00\","                   \
                           "\"2025-10-26T02:00:00+01:00\"]"),                                                \
        FIELD_NAMED(INTS, "partial", span.partial,                                                           \
                    .help = "The places, from 0, of the intervals of which only a part counts: `from` or "   \
                            "`to` lies in them, or they are not over yet.",                                  \
                    .example = "[]")

#endif
