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

/*
 * Prepares a worker to serve a listening socket, which it then owns: everything but its thread. Settings,
 * api, router, keyset and openapi are set by the caller and outlive it. False after a line in the log.
 */
bool worker_open(struct worker *worker, int listener, bool first);

/* Serves until worker_stop, then finishes what is in flight and closes everything. The thread's entry. */
void *worker_run(void *worker);

/*
 * Runs something in a worker that serves nobody, and only has the database: for the commands of a daemon.
 * `work` runs in a fiber and sets the request's deadline before it waits. False when memory is exhausted.
 */
bool worker_do_alone(const struct settings *settings, const struct api *api,
                     void (*work)(struct request *rq, void *arg), void *arg);

/*
 * For long work of a turn to call every few requests: what has come from PostgreSQL and other services is
 * dealt with, and what waits for them sent, so that they need not wait for the turn's end. Does not wait;
 * resumes fibers, so not from within one.
 */
void worker_interlude(struct worker *worker);

/* Tells a worker to end; from any thread. */
void worker_stop(struct worker *worker);

#endif
