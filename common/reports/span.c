#include "common/reports/span.h"

#include "common/base/iso8601.h"
#include "common/http/request.h"
#include "common/items/parameter.h"
#include "common/items/zone.h"

#define OUTSIDE "the range reaches beyond the years 1 to 9999 by the clocks of the zone"

/* The time as the clocks of the zone show it; the null text for null or when memory is exhausted. */
static struct text label(struct arena *arena, struct moment at, int64_t east)
{
    char *text = moment_is_null(at) ? NULL : arena_alloc(arena, TIME_TEXT_MAX);

    return text ? (struct text){text, time_print_local(text, at, east)} : TEXT_NULL;
}

/* Whether a part of the interval from `start` to `end` is not in the span, or is in the future. */
static bool is_partial(const struct span *span, struct moment start, struct moment end)
{
    bool is_now = start.us <= span->now.us && span->now.us < end.us;

    return is_now || start.us < span->from.us || end.us > span->to.us;
}

/* Fills in the intervals: the last of the rows is the start that follows them. False: memory is exhausted. */
static bool divide(struct arena *arena, struct span *span, const struct zone_start *rows)
{
    size_t count = span->count;

    span->starts.items = arena_alloc(arena, (count + 1) * sizeof(struct text));
    span->partial.items = arena_alloc(arena, (count + 1) * sizeof(int64_t));
    span->edges.items = arena_alloc(arena, (count + 1) * sizeof(struct moment));
    if (!span->starts.items || !span->partial.items || !span->edges.items)
        return false;
    for (size_t i = 0; i < count; i++) {
        span->edges.items[i] = i ? rows[i].at : span->from;
        span->starts.items[i] = label(arena, rows[i].at, rows[i].east);
        if (!span->starts.items[i].at)
            return false;
        if (is_partial(span, rows[i].at, rows[i + 1].at))
            span->partial.items[span->partial.count++] = (int64_t)i;
    }
    span->edges.items[count] = span->to;
    span->edges.count = count + 1;
    span->starts.count = count;
    return true;
}

/* Whether label() tells the time, or there is none to tell. */
static bool has_label(struct moment at, int64_t east)
{
    return moment_is_null(at) || time_has_local(at, east);
}

/* False: the reply is 422. */
static bool check_labels(struct request *rq, const struct range_text *text, const struct span *span,
                         const struct zone_start *rows)
{
    const size_t last = span->count ? span->count - 1 : 0;
    bool begins = has_label(span->from, rows->from_east) && (!span->count || has_label(rows->at, rows->east));
    bool ends =
        has_label(span->to, rows->to_east) && (!span->count || has_label(rows[last].at, rows[last].east));

    if (begins && ends)
        return true;
    if (text->from.at && !begins)
        reply_bad_parameter(rq, "from", text->from, OUTSIDE);
    else
        reply_bad_parameter(rq, "to", text->to, OUTSIDE);
    return false;
}

/* False: the reply is 422. */
static bool check(struct request *rq, const struct range_text *text, const struct span_rules *rules,
                  const struct span *span, const struct zone_start *last)
{
    bool bounded = !moment_is_null(span->from) && !moment_is_null(span->to);

    if (bounded && text->from.at && span->from.us >= span->to.us) {
        if (text->to.at)
            reply_bad_parameter(rq, "to", text->to, "to must be after from");
        else
            reply_bad_parameter(rq, "from", text->from, "from must be before now");
        return false;
    }
    if (rules->interval.at && ((int64_t)span->count > SPAN_INTERVALS_MOST || last->at.us < span->to.us)) {
        reply_bad_parameter(rq, "interval", rules->interval, "too many intervals");
        return false;
    }
    return true;
}

bool span_read(struct request *rq, const struct range_text *text, const struct span_rules *rules,
               struct span *span)
{
    struct zone_range asked;
    struct rows rows;

    if (!range_parse(rq, text, &asked))
        return false;
    asked.interval = rules->interval;
    asked.back = rules->history ? INT_NULL : rules->back;
    asked.most = SPAN_INTERVALS_MOST;
    if (!zone_find_starts(rq, &asked, &rows))
        return false;
    const struct zone_start *found = rows.items;
    bool endless = rules->history && !text->from.at && !text->to.at;
    *span = (struct span){.from = found->from,
                          .to = endless ? MOMENT_NULL : found->to,
                          .now = found->now,
                          .zone = asked.zone,
                          .count = rules->interval.at ? rows.count - 1 : 0};
    if (!check(rq, text, rules, span, &found[rows.count - 1]) || !check_labels(rq, text, span, found))
        return false;
    if (!moment_is_null(span->from) && !moment_is_null(span->to))
        span->local_us = span->to.us - span->from.us + (found->to_east - found->from_east) * MOMENT_SECOND;
    span->from_text = label(&rq->arena, span->from, found->from_east);
    span->to_text = label(&rq->arena, span->to, found->to_east);
    bool printed =
        (span->from_text.at || moment_is_null(span->from)) && (span->to_text.at || moment_is_null(span->to));
    if (printed && divide(&rq->arena, span, found))
        return true;
    reply_unavailable(rq);
    return false;
}
