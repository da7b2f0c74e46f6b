#include "common/items/range.h"

#include "common/base/iso8601.h"
#include "common/http/request.h"
#include "common/items/parameter.h"
#include "common/items/zone.h"

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

/* Reads a bound, null if it was not sent; false: the reply is 422. */
static bool read_bound(struct request *rq, const char *name, struct text text, struct moment *bound)
{
    *bound = MOMENT_NULL;
    if (!text.at || (iso8601_read_time(text, bound) && is_exact(text)))
        return true;
    reply_bad_parameter(rq, name, text, "not a time such as 2025-04-19T08:00:00Z, nor a date");
    return false;
}

static bool begin_days(struct request *rq, const struct range_text *text, struct range *range)
{
    bool from = text->from.at && iso8601_is_date(text->from);
    bool to = text->to.at && iso8601_is_date(text->to);
    struct zone_days days = {range->zone, from ? range->from : MOMENT_NULL, to ? range->to : MOMENT_NULL};

    if ((!from && !to) || text_equal(range->zone, TEXT("UTC")))
        return true;
    if (!zone_begin_days(rq, &days))
        return false;
    range->from = from ? days.from : range->from;
    range->to = to ? days.to : range->to;
    return true;
}

bool range_read(struct request *rq, const struct range_text *text, struct range *range)
{
    bool known = true;

    range->zone = text->zone.at ? text->zone : TEXT("UTC");
    if (!read_bound(rq, "from", text->from, &range->from) || !read_bound(rq, "to", text->to, &range->to))
        return false;
    if (!text_equal(range->zone, TEXT("UTC")) && !zone_look_up(rq, range->zone, &known))
        return false;
    if (!known) {
        reply_bad_parameter(rq, "zone", range->zone, "not the name of a time zone such as Europe/Berlin");
        return false;
    }
    if (!begin_days(rq, text, range))
        return false;
    if (moment_is_null(range->from) || moment_is_null(range->to) || range->from.us < range->to.us)
        return true;
    reply_bad_parameter(rq, "to", text->to, "to must be after from");
    return false;
}
