/*
 * The metrics of a worker: those of each room, and the requests by route.
 *
 * Each is written by its worker alone and read by whichever worker answers GET /metrics (metrics_text.h),
 * which adds them up.
 */
#ifndef COMMON_WATCH_METRICS_H
#define COMMON_WATCH_METRICS_H

#include <stdbool.h>

#include "common/base/declare.h"
#include "common/base/metric.h"

struct api;
struct request;

#define METRICS_ROOMS    8  /* the most rooms of a worker's metrics */
#define METRICS_STATUSES 32 /* statuses that are counted separately, and one for all others */
#define METRICS_METHODS  8  /* of enum method */

extern const struct histogram_bounds metrics_request_bounds;

/* The metrics of one route and method. */
struct route_metrics {
    struct histogram duration;
    metric statuses[METRICS_STATUSES];
};

struct metrics_room {
    const struct metric_group *group;
    void *values; /* the group's struct */
};

struct metrics {
    const struct api *api;
    struct metrics_room rooms[METRICS_ROOMS]; /* the same in each worker of a process */
    size_t room_count;
    struct body_metrics *bodies;

    /* First each endpoint with its method, then HEAD of each, then requests without an endpoint by method. */
    struct route_metrics *routes;
};

/* Makes room for the routes of an api, which must outlive it; false when memory is exhausted. */
bool metrics_open(struct metrics *metrics, const struct api *api) MUST_CHECK;

/* To be called after all workers have ended, because each reads the numbers of the others. */
void metrics_close(struct metrics *metrics);

/*
 * Adds the metrics of a room, before any worker's thread starts: its struct, all zero, which lives until
 * metrics_close. NULL when memory is exhausted.
 */
void *metrics_add_room(struct metrics *metrics, const struct metric_group *group) MUST_CHECK;

/* The number of `routes`, and the index of a request's route. */
size_t metrics_route_count(const struct api *api);
size_t metrics_route_of(const struct api *api, const struct request *rq);

/*
 * The index of a status among METRICS_STATUSES, the last being all others; the status of an index, 0 for all
 * others.
 */
size_t metrics_status_place(int status);
int metrics_status_at(size_t place);

/* Counts an answer that is about to be sent; its duration and size are known. */
void metrics_request(struct metrics *metrics, const struct request *rq);

#endif
