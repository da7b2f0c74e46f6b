#include "common/pg/pg.h"

#include <stdlib.h>

#include "common/pg/lane.h"
#include "common/pg/metrics.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"

struct pg {
    struct lane *lanes[STATEMENT_KINDS];
};

struct lane *pg_lane(const struct worker *worker, enum statement_kind kind)
{
    return worker->pg->lanes[kind];
}

bool pg_open(struct worker *worker)
{
    const struct settings *s = worker->settings;
    const size_t counts[STATEMENT_KINDS] = {
        [STATEMENT_READ] = (size_t)s->pg.read_connections,
        [STATEMENT_REPORT] = (size_t)s->pg.report_connections,
        [STATEMENT_APPEND] = (size_t)s->pg.append_connections,
        [STATEMENT_CHANGE] = (size_t)s->pg.change_connections,
    };

    /* libpq sends it as a connection starts, which, other than a SET, PgBouncer keeps to in transaction mode.
     */
    worker->pg = setenv("PGTZ", "UTC", 1) == 0 ? calloc(1, sizeof(*worker->pg)) : NULL;
    if (!worker->pg)
        return false;
    for (size_t kind = 0; kind < STATEMENT_KINDS; kind++) {
        bool batches = kind == STATEMENT_READ || kind == STATEMENT_APPEND;
        worker->pg->lanes[kind] = lane_open(worker, (enum statement_kind)kind, counts[kind],
                                            batches ? (size_t)s->pg.batch_limit : 1);
        if (!worker->pg->lanes[kind]) {
            pg_close(worker);
            return false;
        }
    }
    return true;
}

void pg_close(struct worker *worker)
{
    if (!worker->pg)
        return;
    for (size_t kind = 0; kind < STATEMENT_KINDS; kind++)
        lane_close(worker->pg->lanes[kind]);
    free(worker->pg);
    worker->pg = NULL;
}

void pg_flush(struct worker *worker)
{
    struct pg_metrics *metrics = worker->pg_metrics;

    for (size_t kind = 0; kind < STATEMENT_KINDS; kind++) {
        struct lane *lane = worker->pg->lanes[kind];
        lane_flush(lane);
        metric_set(&metrics->queue[kind], lane_length(lane));
        metric_set(&metrics->connections[kind], lane_links(lane));
    }
}

void pg_poll(struct worker *worker)
{
    if (worker->pg)
        lane_poll(worker->pg->lanes[STATEMENT_APPEND]);
}

bool pg_ready(const struct worker *worker)
{
    return link_schema_ready() && lane_ready(worker->pg->lanes[STATEMENT_READ]) &&
           lane_ready(worker->pg->lanes[STATEMENT_APPEND]);
}
