#include "common/watch/metrics.h"

#include <stdlib.h>

#include "common/base/loop.h"
#include "common/http/request.h"

const struct histogram_bounds metrics_request_bounds = {
    14,
    1e9,
    {500 * MICROSECOND, MILLISECOND, 2500 * MICROSECOND, 5 * MILLISECOND, 10 * MILLISECOND, 25 * MILLISECOND,
     50 * MILLISECOND, 100 * MILLISECOND, 250 * MILLISECOND, 500 * MILLISECOND, SECOND, 2500 * MILLISECOND,
     5 * SECOND, 10 * SECOND},
};

/* The most frequent ones come first. */
static const int statuses[METRICS_STATUSES] = {
    200, 404, 201, 422, 304, 503, 400, 401, 403, 405, 409, 413, 414, 415, 429, 431,
    307, 204, 301, 302, 303, 308, 406, 408, 410, 412, 500, 501, 502, 504, 505,
};

struct body_metrics {
    metric received, sent; /* bytes */
};

static const struct metric_family body_families[] = {
    {"http_request_body_bytes_total", METRIC_COUNTER, METRIC_ONE(struct body_metrics, received),
     .help = "Bytes of requests' bodies."},
    {"http_response_body_bytes_total", METRIC_COUNTER, METRIC_ONE(struct body_metrics, sent),
     .help = "Bytes of answers' bodies."},
};

static const struct metric_group body_group = {sizeof(struct body_metrics), body_families,
                                               COUNT(body_families)};

size_t metrics_route_count(const struct api *api)
{
    return 2 * api->endpoint_count + METRICS_METHODS;
}

size_t metrics_route_of(const struct api *api, const struct request *rq)
{
    if (!rq->route)
        return 2 * api->endpoint_count + rq->method;
    return (size_t)(rq->route - api->endpoints) + (rq->head ? api->endpoint_count : 0);
}

void *metrics_add_room(struct metrics *metrics, const struct metric_group *group)
{
    if (metrics->room_count == METRICS_ROOMS)
        return NULL;
    void *values = calloc(1, group->size);
    if (values)
        metrics->rooms[metrics->room_count++] = (struct metrics_room){group, values};
    return values;
}

bool metrics_open(struct metrics *metrics, const struct api *api)
{
    *metrics = (struct metrics){.api = api};
    metrics->routes = calloc(metrics_route_count(api), sizeof(*metrics->routes));
    metrics->bodies = metrics_add_room(metrics, &body_group);
    return metrics->routes && metrics->bodies;
}

void metrics_close(struct metrics *metrics)
{
    for (size_t i = 0; i < metrics->room_count; i++)
        free(metrics->rooms[i].values);
    free(metrics->routes);
    *metrics = (struct metrics){0};
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

void metrics_request(struct metrics *metrics, const struct request *rq)
{
    struct route_metrics *route = &metrics->routes[metrics_route_of(metrics->api, rq)];

    histogram_observe(&route->duration, &metrics_request_bounds, (uint64_t)rq->duration);
    metric_count(&route->statuses[metrics_status_place(rq->status)]);
    metric_add(&metrics->bodies->received, rq->body_bytes.len);
    metric_add(&metrics->bodies->sent, request_bytes_sent(rq));
}
