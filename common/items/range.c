#include "common/items/range.h"

#include "common/base/iso8601.h"
#include "common/http/request.h"
#include "common/items/parameter.h"

#define FRACTION_DIGITS 6 /* digits after the point of a second: microseconds */

/* Whether microseconds hold all digits of the time. */
static bool is_exact(struct text time)
{
    const char *point = memchr(time.at, '.', time.len);
    size_t digits = 0;

    for (const char *at = point ? point + 1 : NULL; at && at < time.at + time.len && *at >= '0' && *at <= '9';
         at++)
        digits++;
    return digits <= FRACTION_DIGITS;
}

/* Reads a bound, null if it was not sent. */
static void read_bound(struct request *rq, struct faults *faults, const char *name, struct text text,
                       struct moment *bound)
{
    *bound = MOMENT_NULL;
    if (text.at && !(iso8601_read_time(text, bound) && is_exact(text)))
        parameter_add_fault(rq, faults, name, text, "not a time such as 2025-04-19T08:00:00Z, nor a date");
}

bool range_parse(struct request *rq, const struct range_text *text, struct zone_range *range)
{
    struct faults faults = faults_start(&rq->arena);
    bool known = true;

    *range = (struct zone_range){.zone = text->zone.at ? text->zone : TEXT("UTC"), .back = INT_NULL};
    read_bound(rq, &faults, "from", text->from, &range->from);
    read_bound(rq, &faults, "to", text->to, &range->to);
    range->from_day = text->from.at && iso8601_is_date(text->from);
    range->to_day = text->to.at && iso8601_is_date(text->to);
    if (!text_equal(range->zone, TEXT("UTC")) && !zone_look_up(rq, range->zone, &known))
        return false;
    if (!known)
        parameter_add_fault(rq, &faults, "zone", range->zone,
                            "not the name of a time zone such as Europe/Berlin");
    if (faults.count)
        reply_faults(rq, &faults);
    return !faults.count;
}

bool range_read(struct request *rq, const struct range_text *text, struct range *range)
{
    struct zone_range asked;
    struct rows rows;

    if (!range_parse(rq, text, &asked))
        return false;
    *range = (struct range){asked.from, asked.to, asked.zone};
    if ((asked.from_day || asked.to_day) && !text_equal(asked.zone, TEXT("UTC"))) {
        if (!zone_find_starts(rq, &asked, &rows))
            return false;
        const struct zone_start *found = rows.items;
        range->from = found->from;
        range->to = moment_is_null(asked.to) ? MOMENT_NULL : found->to;
    }
    if (moment_is_null(range->from) || moment_is_null(range->to) || range->from.us < range->to.us)
        return true;
    reply_bad_parameter(rq, "to", text->to, "to must be after from");
    return false;
}
