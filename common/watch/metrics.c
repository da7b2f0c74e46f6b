#include "common/watch/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "common/http/request.h"
#include "common/http/server.h"
#include "common/pg/lane.h"
#include "common/serve/worker.h"

#define MICROSECOND ((int64_t)1000) /* in nanoseconds, as MILLISECOND and SECOND are */

const struct histogram_bounds metrics_request_bounds = {
    14,
    1e9,
    {500 * MICROSECOND, MILLISECOND, 2500 * MICROSECOND, 5 * MILLISECOND, 10 * MILLISECOND, 25 * MILLISECOND,
     50 * MILLISECOND, 100 * MILLISECOND, 250 * MILLISECOND, 500 * MILLISECOND, SECOND, 2500 * MILLISECOND,
     5 * SECOND, 10 * SECOND},
};

const struct histogram_bounds metrics_turn_bounds = {
    13,
    1e9,
    {100 * MICROSECOND, 250 * MICROSECOND, 500 * MICROSECOND, MILLISECOND, 2500 * MICROSECOND,
     5 * MILLISECOND, 10 * MILLISECOND, 25 * MILLISECOND, 50 * MILLISECOND, 100 * MILLISECOND,
     250 * MILLISECOND, 500 * MILLISECOND, SECOND},
};

const struct histogram_bounds metrics_batch_bounds = {11, 1, {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}};

/* Those answered most come first. */
static const int statuses[METRICS_STATUSES] = {
    200, 404, 201, 422, 304, 503, 400, 401, 403, 405, 409, 413, 414, 415, 429, 431,
    307, 204, 301, 302, 303, 308, 406, 408, 410, 412, 500, 501, 502, 504, 505,
};

/* Appendix A of PostgreSQL's manual, as far as these services can meet it. */
static const char *const classes[METRICS_SQLSTATE] = {
    "08", "22", "23", "25", "26", "28", "3D", "40", "42", "53", "54", "55", "57", "58", "XX",
};

void histogram_observe(struct histogram *h, const struct histogram_bounds *bounds, uint64_t value)
{
    size_t i = 0;

    while (i < bounds->count && value > bounds->bounds[i])
        i++;
    metrics_count(&h->buckets[i]);
    metrics_add(&h->sum, value);
}

size_t metrics_route_count(const struct api *api)
{
    return 2 * api->endpoint_count + METRICS_METHODS;
}

size_t metrics_route_of(const struct request *rq)
{
    const struct api *api = rq->worker->api;

    if (!rq->route)
        return 2 * api->endpoint_count + rq->method;
    return (size_t)(rq->route - api->endpoints) + (rq->head ? api->endpoint_count : 0);
}

bool metrics_open(struct worker *worker)
{
    worker->metrics.routes = calloc(metrics_route_count(worker->api), sizeof(*worker->metrics.routes));
    return worker->metrics.routes != NULL;
}

void metrics_close(struct worker *worker)
{
    free(worker->metrics.routes);
    worker->metrics.routes = NULL;
}

size_t metrics_status_place(int status)
{
    size_t i = 0;

    while (i < METRICS_STATUSES - 1 && statuses[i] != status)
        i++;
    return i;
}

int metrics_status_at(size_t place)
{
    return statuses[place];
}

size_t metrics_sqlstate_place(const char *sqlstate)
{
    size_t i = 0;

    while (i < METRICS_SQLSTATE - 1 && strncmp(classes[i], sqlstate, 2) != 0)
        i++;
    return i;
}

const char *metrics_sqlstate_at(size_t place)
{
    return classes[place];
}

void metrics_request(const struct request *rq)
{
    struct metrics *m = &rq->worker->metrics;
    struct route_metrics *route = &m->routes[metrics_route_of(rq)];

    histogram_observe(&route->duration, &metrics_request_bounds, (uint64_t)rq->duration);
    metrics_count(&route->statuses[metrics_status_place(rq->status)]);
    metrics_add(&m->body_bytes_received, rq->body_bytes.len);
    metrics_add(&m->body_bytes_sent, rq->head ? 0 : rq->out.len);
}

static void set(metric *gauge, size_t value)
{
    atomic_store_explicit(gauge, value, memory_order_relaxed);
}

void metrics_turn(struct worker *worker)
{
    struct metrics *m = &worker->metrics;

    histogram_observe(&m->turns, &metrics_turn_bounds, (uint64_t)(clock_monotonic() - worker->loop.now));
    set(&m->connections, http_connections(worker));
    set(&m->requests, http_requests(worker));
    set(&m->fibers, worker->fibers.running);
    for (size_t kind = 0; kind < METRICS_LANES; kind++) {
        const struct lane *lane = pg_lane(worker, (enum statement_kind)kind);
        set(&m->database_queue[kind], lane_length(lane));
        set(&m->database_connections[kind], lane_links(lane));
    }
}
