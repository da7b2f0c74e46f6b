#include "common/pg/pg.h"

#include <libpq-fe.h>
#include <stdlib.h>

#include "common/base/fiber.h"
#include "common/pg/lane.h"
#include "common/pg/session.h"

int pg_library_version(void)
{
    return PQlibVersion();
}

static bool open_lanes(struct pg *pg)
{
    const struct pg_settings *s = pg->settings;
    const int64_t counts[STATEMENT_KINDS] = {
        [STATEMENT_READ] = s->read_connections,     [STATEMENT_REPORT] = s->report_connections,
        [STATEMENT_APPEND] = s->append_connections, [STATEMENT_CHANGE] = s->change_connections,
        [STATEMENT_INGEST] = s->ingest_connections, [STATEMENT_EXPORT] = s->export_connections,
    };

    for (size_t kind = 0; kind < STATEMENT_KINDS; kind++) {
        bool batches = kind == STATEMENT_READ || kind == STATEMENT_APPEND;
        pg->lanes[kind] = lane_open(pg, (enum statement_kind)kind, (size_t)counts[kind],
                                    batches ? (size_t)s->batch_limit : 1);
        if (!pg->lanes[kind])
            return false;
    }
    return true;
}

struct pg *pg_open(struct loop *loop, const struct fiber_pool *fibers, const struct pg_settings *settings,
                   const struct pg_schema *schema, struct pg_metrics *metrics)
{
    /*
     * libpq sends these when it connects, and PgBouncer in transaction mode keeps them, unlike most that are
     * set with SET.
     */
    bool set = setenv("PGTZ", "UTC", 1) == 0 && setenv("PGDATESTYLE", "ISO, MDY", 1) == 0;
    struct pg *pg = set ? calloc(1, sizeof(*pg)) : NULL;

    if (!pg)
        return NULL;
    *pg = (struct pg){
        .loop = loop, .fibers = fibers, .settings = settings, .schema = *schema, .metrics = metrics};
    pg->resolver = resolver_open(loop);
    if (pg->resolver && open_lanes(pg))
        return pg;
    pg_close(pg);
    return NULL;
}

void pg_close(struct pg *pg)
{
    for (size_t kind = 0; pg && kind < STATEMENT_KINDS; kind++)
        lane_close(pg->lanes[kind]);
    if (pg)
        resolver_close(pg->resolver);
    free(pg);
}

void pg_flush(struct pg *pg)
{
    for (size_t kind = 0; kind < STATEMENT_KINDS; kind++) {
        struct lane *lane = pg->lanes[kind];
        lane_flush(lane);
        metric_set(&pg->metrics->queue[kind], lane->queue.length);
        metric_set(&pg->metrics->connections[kind], lane_links(lane));
    }
}

void pg_poll(struct pg *pg)
{
    lane_poll(pg->lanes[STATEMENT_APPEND]);
}

bool pg_ready(const struct pg *pg)
{
    return session_schema_ready() && lane_ready(pg->lanes[STATEMENT_READ]) &&
           lane_ready(pg->lanes[STATEMENT_APPEND]);
}

bool pg_was_ready(const struct pg_metrics *metrics)
{
    return metric_read(&metrics->connections[STATEMENT_READ]) > 0 &&
           metric_read(&metrics->connections[STATEMENT_APPEND]) > 0;
}

bool pg_refused(void)
{
    return session_encoding_refused();
}

bool pg_schema_awaited(void)
{
    return session_schema_awaited();
}

void pg_run(struct pg *pg, struct call *call)
{
    enum statement_kind kind = call->statement->kind;

    call->fiber = fiber_current();
    if (lane_enqueue(pg->lanes[kind], call)) {
        fiber_wait();
        return;
    }
    call->state = CALL_UNAVAILABLE;
    metric_count(&pg->metrics->refused[kind]);
}
