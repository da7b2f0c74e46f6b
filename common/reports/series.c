#include "common/reports/series.h"

#include <math.h>
#include <string.h>

#include "common/auth/auth.h"
#include "common/base/arena.h"
#include "common/http/request.h"
#include "common/items/parameter.h"
#include "common/serve/query.h"

#define BACK       29 /* intervals before that of the end, without `from` */
#define BACK_HOURS 47

const char *const series_by[] = {"none", "lab_type", NULL};

/* The figures that are computed. */
struct needed {
    const struct series_figure *figures[SERIES_FIGURES_MOST];
    size_t count;
};

static bool has_figure(const struct series *series, struct text name)
{
    for (size_t i = 0; i < series->figure_count; i++)
        if (text_equal(name, text_of(series->figures[i].name)))
            return true;
    return false;
}

/* Whether a list of figures has this one; the null list has all. */
static bool is_listed(struct text list, const char *figure)
{
    bool listed = !list.at;

    while (list.len && !listed)
        listed = text_equal(text_take(&list, ','), text_of(figure));
    return listed;
}

/* False: the reply is 422. */
static bool check_figures(struct request *rq, const struct series *series, struct text list)
{
    struct text left = list;

    while (left.len)
        if (!has_figure(series, text_take(&left, ','))) {
            reply_bad_parameter(rq, "figures", list, "not figures of this series with commas between them");
            return false;
        }
    return true;
}

/* Whether a figure is to be computed: it was asked for, and there is such a thing. */
static bool is_needed(const struct series_figure *figure, const struct series_query *query,
                      const struct span *span)
{
    bool by_kind = !text_equal(query->by, TEXT("none")) && !text_equal(query->by, TEXT("lab_type"));

    if (figure->days_most && span->local_us > figure->days_most * MOMENT_DAY)
        return false;
    if (figure->labs_only && (query->kind.at || by_kind))
        return false;
    return is_listed(query->figures, figure->name);
}

/* False: the reply is 422 or 503. */
static bool read_span(struct request *rq, struct span *span)
{
    const struct series_query *query = rq->query;
    bool hours = text_equal(query->interval, TEXT("hour"));
    const struct span_rules rules = {.interval = query->interval, .back = hours ? BACK_HOURS : BACK};
    int64_t groups = text_equal(query->by, TEXT("none")) ? 1 : query->top + 1;

    if (!span_read(rq, &(struct range_text){query->from, query->to, query->zone}, &rules, span))
        return false;
    if ((int64_t)span->count * groups <= SERIES_CELLS_MOST)
        return true;
    reply_bad_parameter(rq, "interval", query->interval, "too many intervals");
    return false;
}

/* The columns of a group, with nothing in them. False: memory is exhausted. */
static bool open_columns(struct arena *arena, const struct needed *needed, size_t count, char *group)
{
    for (size_t i = 0; i < needed->count; i++) {
        const struct series_figure *figure = needed->figures[i];
        struct ints *ints = (struct ints *)(void *)(group + figure->out);
        struct floats *floats = (struct floats *)(void *)(group + figure->out);
        void *items = arena_zalloc(arena, (count + 1) * sizeof(int64_t));
        if (!items)
            return false;
        if (figure->whole) {
            *ints = (struct ints){items, count};
            continue;
        }
        *floats = (struct floats){items, count};
        for (size_t k = 0; k < count; k++)
            floats->items[k] = NAN;
    }
    return true;
}

static void take_row(const struct needed *needed, const char *row, char *group)
{
    size_t at = (size_t)((const struct series_row *)(const void *)row)->bucket - 1;

    for (size_t i = 0; i < needed->count; i++) {
        const struct series_figure *figure = needed->figures[i];
        if (figure->whole) {
            int64_t n = *(const int64_t *)(const void *)(row + figure->in);
            ((struct ints *)(void *)(group + figure->out))->items[at] = n == INT_NULL ? 0 : n;
        } else {
            ((struct floats *)(void *)(group + figure->out))->items[at] =
                *(const double *)(const void *)(row + figure->in);
        }
    }
}

/* The groups, in an array that begins with the total; NULL when memory is exhausted. */
static char *gather(struct request *rq, const struct series *series, const struct needed *needed,
                    struct rows rows, size_t intervals, size_t *count)
{
    const struct series_query *query = rq->query;
    const char *row = rows.items;
    size_t places = 0;

    for (size_t i = 0; i < rows.count; i++, row += series->statement->row_size) {
        const struct series_row *of = (const struct series_row *)(const void *)row;
        if (of->place != INT_NULL && (size_t)of->place > places)
            places = (size_t)of->place;
    }
    char *groups = arena_zalloc(&rq->arena, (places + 1) * series->group_size);
    for (size_t i = 0; groups && i <= places; i++) {
        char *group = groups + i * series->group_size;
        *(struct series_group *)(void *)group = (struct series_group){.other = BOOL_NULL};
        if (!open_columns(&rq->arena, needed, intervals, group))
            return NULL;
    }
    row = rows.items;
    for (size_t i = 0; groups && i < rows.count; i++, row += series->statement->row_size) {
        const struct series_row *of = (const struct series_row *)(const void *)row;
        size_t place = of->place == INT_NULL ? 0 : (size_t)of->place;
        char *group = groups + place * series->group_size;
        if (place && text_equal(query->by, TEXT("lab_type")))
            ((struct series_group *)(void *)group)->lab_type = of->name;
        else if (place)
            ((struct series_group *)(void *)group)->kind = of->name;
        if (place && (int64_t)place > query->top)
            ((struct series_group *)(void *)group)->other = 1;
        if (of->bucket > 0 && (size_t)of->bucket <= intervals)
            take_row(needed, row, group);
    }
    *count = places;
    return groups;
}

static enum reply answer(struct request *rq, const struct series *series, struct series_answer *answer,
                         char *groups, size_t places)
{
    const struct series_query *query = rq->query;
    bool none = text_equal(query->by, TEXT("none"));
    struct writer total = writer_start(&rq->arena);

    shape_write(&total, series->total, groups);
    if (total.failed)
        return reply_unavailable(rq);
    answer->total.bytes = (struct text){total.at, total.len};
    answer->groups = none ? (struct rows){groups, 1} : (struct rows){groups + series->group_size, places};
    if (none)
        ((struct series_group *)(void *)groups)->lab_type = query->lab_type;
    return reply(rq, series->answer, answer);
}

enum reply series_reply(struct request *rq, const struct series *series)
{
    const struct series_query *query = rq->query;
    struct series_answer of = {.interval = query->interval};
    struct needed needed = {.count = 0};
    struct text names[SERIES_FIGURES_MOST];
    struct series_params params = {.lab_type = query->lab_type,
                                   .kind = query->kind,
                                   .by = query->by,
                                   .top = query->top,
                                   .figures = {names, 0}};
    struct rows rows;
    size_t places;

    if (!auth_require_all_users(rq) || !check_figures(rq, series, query->figures) || !read_span(rq, &of.span))
        return REPLIED;
    for (size_t i = 0; i < series->figure_count; i++) {
        if (!is_needed(&series->figures[i], query, &of.span))
            continue;
        names[params.figures.count++] = text_of(series->figures[i].name);
        needed.figures[needed.count++] = &series->figures[i];
    }
    params.edges = of.span.edges;
    if (query_rows(rq, series->statement, &params, &rows) == QUERY_REPLIED)
        return REPLIED;
    of.since = rows.count ? ((const struct series_row *)rows.items)->since : MOMENT_NULL;
    char *groups = gather(rq, series, &needed, rows, of.span.count, &places);
    return groups ? answer(rq, series, &of, groups, places) : reply_unavailable(rq);
}
