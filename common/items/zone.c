#include "common/items/zone.h"

#include <stdlib.h>

#include "common/http/request.h"
#include "common/items/zone.sql.h"
#include "common/serve/query.h"
#include "common/serve/worker.h"

struct zones {
    struct arena arena;
    struct text *names; /* sorted; NULL: not read yet */
    size_t count;
};

struct zone {
    struct text name;
};

STATEMENT(list_zones, READ, ROW(struct zone, name));
STATEMENT(find_starts_of_days, READ, PARAMS(struct zone_days, zone, from, to),
          ROW(struct zone_days, from, to));

static int compare(const void *a, const void *b)
{
    const struct text *x = a, *y = b;
    int order = memcmp(x->at, y->at, x->len < y->len ? x->len : y->len);

    return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* Keeps a copy of the names; false when memory is exhausted. */
static bool keep(struct zones *zones, struct rows rows)
{
    const struct zone *found = rows.items;
    struct text *names = arena_alloc(&zones->arena, rows.count * sizeof(*names));

    for (size_t i = 0; names && i < rows.count; i++) {
        names[i] = arena_text(&zones->arena, found[i].name);
        if (!names[i].at)
            names = NULL;
    }
    if (!names) {
        arena_reset(&zones->arena);
        return false;
    }
    qsort(names, rows.count, sizeof(*names), compare);
    zones->names = names;
    zones->count = rows.count;
    return true;
}

bool zone_look_up(struct request *rq, struct text name, bool *known)
{
    struct zones *zones = rq->worker->zones;
    struct rows rows;

    if (!zones->names) {
        enum query_result result = query_rows(rq, &list_zones, NULL, &rows);
        if (result == QUERY_REPLIED)
            return false;
        /* Another request may have read them while this one waited. */
        if (!zones->names && (result != QUERY_ROW || !keep(zones, rows))) {
            reply_unavailable(rq);
            return false;
        }
    }
    *known = bsearch(&name, zones->names, zones->count, sizeof(name), compare) != NULL;
    return true;
}

bool zone_begin_days(struct request *rq, struct zone_days *days)
{
    const struct zone_days asked = *days;

    switch (query_row(rq, &find_starts_of_days, &asked, days)) {
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
    (void)first;
    worker->zones = calloc(1, sizeof(*worker->zones));
    return worker->zones != NULL;
}

static void close_zones(struct worker *worker)
{
    if (worker->zones)
        arena_free(&worker->zones->arena);
    free(worker->zones);
    worker->zones = NULL;
}

const struct part zones_part = {.name = "zones", .open = open_zones, .close = close_zones};
