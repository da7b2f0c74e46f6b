/*
 * A worker: one thread, one loop, and everything that belongs to it. Workers share counters only.
 */
#ifndef COMMON_SERVE_WORKER_H
#define COMMON_SERVE_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/fiber.h"
#include "common/base/loop.h"
#include "common/base/text.h"
#include "common/table/api.h"
#include "common/watch/metrics.h"

struct auth;
struct client;
struct erasure_metrics;
struct export_metrics;
struct http;
struct http_metrics;
struct ingest_metrics;
struct keyset;
struct lookup_metrics;
struct lookups;
struct pg;
struct pg_metrics;
struct request;
struct request_log;
struct retention_metrics;
struct router;
struct serve_metrics;
struct settings;
struct zones;

/* Work of the service itself, again and again. */
struct chore {
    struct timer timer;
    struct worker *worker;
    void (*work)(struct request *rq);
    int64_t every; /* nanoseconds from one end to the next beginning; 0: no more */
};

struct worker {
    struct loop loop;
    struct fiber_pool fibers;
    const struct settings *settings;
    const struct api *api;
    const struct router *router;
    struct metrics metrics; /* of each room, to be added up */
    struct serve_metrics *serve_metrics;
    struct http_metrics *http_metrics;
    struct pg_metrics *pg_metrics;
    struct lookup_metrics *lookup_metrics; /* of services that look up users and labs */
    const struct worker *all;              /* the workers of this process */
    struct request_log *request_log;
    struct http *http;
    struct pg *pg;
    struct auth *auth;
    struct keyset *keyset;                       /* of the process, which outlives the worker */
    struct client *client;                       /* of services that call others */
    struct lookups *lookups;                     /* of services that look up users and labs */
    struct export_metrics *export_metrics;       /* of services that export */
    struct export_run *exports;                  /* those that are running, the latest first */
    struct erasure_metrics *erasure_metrics;     /* of User Progress */
    struct ingest_metrics *ingest_metrics;       /* of services that take many items at once */
    struct retention_metrics *retention_metrics; /* of services that delete by age */
    size_t ingesting;                            /* requests with many items in progress */
    struct zones *zones;                         /* the names of time zones, of the process */
    struct text openapi;                         /* the service's document */
    bool draining;                               /* after SIGTERM: answers close their connections */
    struct timer stacks;                         /* unmaps stacks of fibers that are not needed any more */
    struct chore prepare; /* reads what requests will need, and tells the supervisor; in the first worker */
    struct chore forget;  /* deletes rows that are kept for a day only; in the first worker */
    struct chore upkeep[UPKEEP_MAX]; /* the service's own work; in the first worker */
    struct watch wake;               /* an eventfd by which the main thread wakes the worker */
    atomic_bool stop;
    pthread_t thread;
};

#endif
