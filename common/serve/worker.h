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
#include "common/watch/metrics.h"

struct api;
struct auth;
struct client;
struct http;
struct http_metrics;
struct keyset;
struct lookup_metrics;
struct lookups;
struct pg;
struct pg_metrics;
struct request;
struct request_log;
struct router;
struct serve_metrics;
struct settings;

struct worker {
    struct loop loop;
    struct fiber_pool fibers;
    const struct settings *settings;
    const struct api *api;
    const struct router *router;
    struct metrics metrics; /* of each room, for those who add them up */
    struct serve_metrics *serve_metrics;
    struct http_metrics *http_metrics;
    struct pg_metrics *pg_metrics;
    struct lookup_metrics *lookup_metrics; /* of services that look users and labs up */
    const struct worker *all;              /* the workers of this process */
    struct request_log *request_log;
    struct http *http;
    struct pg *pg;
    struct auth *auth;
    struct keyset *keyset;   /* of the process; outlives the worker */
    struct client *client;   /* of services that call others */
    struct lookups *lookups; /* of services that look users and labs up */
    struct text openapi;     /* the service's document */
    bool draining;           /* SIGTERM has come: answers close their connections */
    struct timer stacks;     /* those of fibers that are not wanted any more */
    struct timer forget;     /* rows that are kept for a day only; the first worker's */
    struct timer upkeep;     /* the service's own; the first worker's */
    struct watch wake;       /* an eventfd: the main thread has something to say */
    atomic_bool stop;
    pthread_t thread;
};

#endif
