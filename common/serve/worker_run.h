/* Starts, runs and ends a worker, and what it does from time to time. */
#ifndef COMMON_SERVE_WORKER_RUN_H
#define COMMON_SERVE_WORKER_RUN_H

#include <stdbool.h>

#include "common/base/declare.h"

struct api;
struct request;
struct settings;
struct worker;

/*
 * Prepares a worker to serve a listening socket, which it then owns: everything except its thread. Settings,
 * api, router, keyset and openapi are set by the caller and outlive it. False after a line in the log.
 */
MUST_CHECK bool worker_open(struct worker *worker, int listener, bool first);

/* Serves until worker_stop, then finishes what is in flight and closes everything. The thread's entry. */
void *worker_run(void *worker);

/*
 * Runs something in a worker that has only the database and serves no clients: for the commands of a daemon.
 * `work` runs in a fiber and sets the request's deadline before it waits. False when memory is exhausted.
 */
MUST_CHECK bool worker_do_alone(const struct settings *settings, const struct api *api,
                                void (*work)(struct request *rq, void *arg), void *arg);

/* Tells a worker to stop; from any thread. */
void worker_stop(struct worker *worker);

#endif
