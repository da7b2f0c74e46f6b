/*
 * The metrics of a worker: what each room counts, and the requests by route.
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

#define METRICS_ROOMS    8  /* that a worker's metrics may have */
#define METRICS_STATUSES 32 /* an answer's statuses that are told apart, and one for all others */
#define METRICS_METHODS  8  /* of enum method */

extern const struct histogram_bounds metrics_request_bounds;

/* What is kept of one route and method. */
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

    /* Each endpoint's own method, then HEAD of each, then what matched no endpoint by its method. */
    struct route_metrics *routes;
};

/* Makes room for the routes of an api, which must outlive it; false when memory is exhausted. */
bool metrics_open(struct metrics *metrics, const struct api *api) MUST_CHECK;

/* After every worker has ended: the others read these numbers too, those of the rooms included. */
void metrics_close(struct metrics *metrics);

/* Adds what a room counts, before any worker's thread starts: its struct, all zero, which lives until
 * metrics_close. NULL when memory is exhausted. */
void *metrics_add_room(struct metrics *metrics, const struct metric_group *group) MUST_CHECK;

/* How many there are of `routes`, and which of them is a request's. */
size_t metrics_route_count(const struct api *api);
size_t metrics_route_of(const struct api *api, const struct request *rq);

/* The place of a status among METRICS_STATUSES, the last being all others; and what a place stands for, 0
 * for all others. */
size_t metrics_status_place(int status);
int metrics_status_at(size_t place);

/* Counts an answer that is about to leave; its duration and size are known. */
void metrics_request(struct metrics *metrics, const struct request *rq);

#endif
