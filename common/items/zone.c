#include "common/items/zone.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "common/http/request.h"
#include "common/items/zone.sql.h"
#include "common/items/zone_links.h"
#include "common/serve/query.h"
#include "common/serve/worker.h"

struct names {
    struct arena arena;
    struct text *items; /* sorted */
    size_t count;
};

/* Of the process: the workers share it, and the last one that closes frees it. */
struct zones {
    _Atomic(struct names *) names; /* NULL: not read yet */
    atomic_uint workers;
};

struct zone {
    struct text name;
};

STATEMENT(list_zones, REPORT, ROW(struct zone, name));
STATEMENT(find_starts, REPORT,
          PARAMS(struct zone_range, zone, interval, from, from_day, to, to_day, back, most),
          ROW(struct zone_start, at, east, from, from_east, to, to_east, now));

const char *const zone_intervals[] = {"hour", "day", "week", "month", NULL};

static int compare(const void *a, const void *b)
{
    return text_compare(*(const struct text *)a, *(const struct text *)b);
}

static void free_names(struct names *names)
{
    if (names)
        arena_free(&names->arena);
    free(names);
}

/* A copy of the names; NULL when memory is exhausted. */
static struct names *copy_names(struct rows rows)
{
    const struct zone *found = rows.items;
    struct names *names = calloc(1, sizeof(*names));

    if (!names)
        return NULL;
    names->items = arena_alloc(&names->arena, rows.count * sizeof(*names->items));
    for (size_t i = 0; names->items && i < rows.count; i++) {
        names->items[i] = arena_text(&names->arena, found[i].name);
        if (!names->items[i].at)
            names->items = NULL;
    }
    if (!names->items) {
        free_names(names);
        return NULL;
    }
    names->count = rows.count;
    qsort(names->items, names->count, sizeof(*names->items), compare);
    return names;
}

/* Reads the names, unless they have been read. False: the request has a reply, 503. Waits. */
static bool read_names(struct request *rq)
{
    struct zones *zones = rq->worker->zones;
    struct names *names, *none = NULL;
    struct rows rows;

    if (atomic_load(&zones->names))
        return true;
    switch (query_rows(rq, &list_zones, NULL, &rows)) {
    case QUERY_REPLIED:
        return false;
    case QUERY_ROW:
        names = copy_names(rows);
        break;
    default:
        names = NULL;
    }
    if (!names) {
        reply_unavailable(rq);
        return false;
    }
    /* Another request or worker may have read them while this one waited. */
    if (!atomic_compare_exchange_strong(&zones->names, &none, names))
        free_names(names);
    return true;
}

static bool is_listed(const struct names *names, struct text name)
{
    return bsearch(&name, names->items, names->count, sizeof(name), compare) != NULL;
}

/* A zone's name in the list: its own, or that of the zone it is a link to; null if neither is there. */
static struct text listed_as(const struct names *names, struct text name)
{
    struct text linked = zone_link(name);

    if (is_listed(names, name))
        return name;
    return linked.at && is_listed(names, linked) ? linked : TEXT_NULL;
}

bool zone_look_up(struct request *rq, struct text name, bool *known)
{
    if (!read_names(rq))
        return false;
    *known = listed_as(atomic_load(&rq->worker->zones->names), name).at != NULL;
    return true;
}

/* The name under which PostgreSQL knows a listed zone: for it these four without the prefix are
 * abbreviations. */
static struct text known_as(struct text name)
{
    static const struct text hidden[] = {TEXT("posix/CET"), TEXT("posix/EET"), TEXT("posix/MET"),
                                         TEXT("posix/WET")};
    const size_t prefix = sizeof("posix/") - 1;

    for (size_t i = 0; i < COUNT(hidden); i++)
        if (text_equal(name, (struct text){hidden[i].at + prefix, hidden[i].len - prefix}))
            return hidden[i];
    return name;
}

bool zone_find_starts(struct request *rq, const struct zone_range *range, struct rows *starts)
{
    const struct names *names = atomic_load(&rq->worker->zones->names); /* UTC is not looked up */
    struct zone_range named = *range;

    named.zone = known_as(names ? listed_as(names, range->zone) : range->zone);
    switch (query_rows(rq, &find_starts, &named, starts)) {
    case QUERY_ROW:
        return true;
    case QUERY_REPLIED:
        return false;
    default:
        reply_unavailable(rq);
        return false;
    }
}

static bool open_zones(struct worker *worker, bool first)
{
    worker->zones = first ? calloc(1, sizeof(*worker->zones)) : worker->all->zones;
    if (worker->zones)
        atomic_fetch_add(&worker->zones->workers, 1);
    return worker->zones != NULL;
}

static void close_zones(struct worker *worker)
{
    struct zones *zones = worker->zones;

    worker->zones = NULL;
    if (!zones || atomic_fetch_sub(&zones->workers, 1) > 1)
        return;
    free_names(atomic_load(&zones->names));
    free(zones);
}

const struct part zones_part = {
    .name = "zones", .open = open_zones, .close = close_zones, .prepare = read_names};
