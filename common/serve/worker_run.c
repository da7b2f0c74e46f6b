#include "common/serve/worker_run.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/declare.h"
#include "common/base/log.h"
#include "common/base/supervisor.h"
#include "common/http/metrics.h"
#include "common/http/request.h"
#include "common/http/server.h"
#include "common/pg/metrics.h"
#include "common/pg/pg.h"
#include "common/serve/chores.h"
#include "common/serve/health.h"
#include "common/serve/metrics.h"
#include "common/serve/part.h"
#include "common/serve/pipeline.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/table/api.h"

#define CHORES_EVERY  (600 * SECOND) /* between two runs of the chores */
#define STACKS_EVERY  SECOND         /* between two checks for stacks that are not needed */
#define PREPARE_EVERY (SECOND / 10)  /* between two attempts to prepare */

/* Runs something with a request that no client sent, for statements of the service's own. */
static void run_unasked(struct worker *worker, void (*work)(struct request *rq))
{
    struct request rq = {.loop = &worker->loop,
                         .worker = worker,
                         .deadline = worker->loop.now + worker->settings->report_timeout * MILLISECOND};

    work(&rq);
    arena_free(&rq.arena);
}

static void again(struct worker *worker, struct timer *timer, int64_t wait)
{
    if (!timer_set(&worker->loop, timer, worker->loop.now + wait))
        log_line(LOG_ERROR, "no memory for a timer", NULL);
}

static void run_chore(void *arg)
{
    struct chore *chore = arg;

    run_unasked(chore->worker, chore->work);
    if (chore->every)
        again(chore->worker, &chore->timer, chore->every);
}

static void chore_due(struct timer *timer)
{
    struct chore *chore = container_of(timer, struct chore, timer);
    struct worker *worker = chore->worker;

    if (worker->draining)
        return;
    if (!pg_ready(worker->pg) || !fiber_start(&worker->fibers, run_chore, chore))
        again(worker, timer, chore->every < SECOND ? chore->every : SECOND);
}

static void prepare(struct request *rq)
{
    if (!parts_prepare(rq) || (supervisor_listens() && !health_is_ready(rq)))
        return;
    if (!supervisor_tell("READY=1"))
        log_line(LOG_WARNING, "the supervisor cannot be told of readiness", NULL);
    rq->worker->prepare.every = 0;
}

static void start_upkeep(struct worker *worker)
{
    const struct api *api = worker->api;

    for (size_t i = 0; i < api->upkeep_count && i < UPKEEP_MAX; i++) {
        struct chore *chore = &worker->upkeep[i];
        *chore = (struct chore){.timer.fire = chore_due,
                                .worker = worker,
                                .work = api->upkeep[i].work,
                                .every = api->upkeep[i].every * MILLISECOND};
        again(worker, &chore->timer, chore->every);
    }
}

static void stacks_due(struct timer *timer)
{
    struct worker *worker = container_of(timer, struct worker, stacks);

    fiber_pool_trim(&worker->fibers);
    again(worker, timer, STACKS_EVERY);
}

static void woken(struct watch *watch, uint32_t events)
{
    uint64_t count;

    (void)events;
    /* An empty counter was already read by an earlier turn. */
    ssize_t got = read(watch->fd, &count, sizeof(count));
    (void)got;
}

static bool open_metrics(struct worker *worker)
{
    struct metrics *m = &worker->metrics;

    if (!metrics_open(m, worker->api))
        return false;
    worker->serve_metrics = metrics_add_room(m, &serve_metric_group);
    worker->http_metrics = metrics_add_room(m, &http_metric_group);
    worker->pg_metrics = metrics_add_room(m, &pg_metric_group);
    return worker->serve_metrics && worker->http_metrics && worker->pg_metrics;
}

/*
 * Called by HTTP after every few requests of a turn: processes results of PostgreSQL and sends waiting
 * statements, so that they need not wait for the end of the turn.
 */
static void interlude(struct worker *worker)
{
    if (worker->pg)
        pg_poll(worker->pg);
}

static bool open_http(struct worker *worker, int listener)
{
    const struct settings *s = worker->settings;
    const struct http_hooks hooks = {.worker = worker,
                                     .on_request = pipeline_take,
                                     .on_refused = pipeline_leave,
                                     .body_limit = pipeline_body_limit,
                                     .on_stream = pipeline_begin_answer,
                                     .on_step = interlude};
    size_t connections = (size_t)(s->http.connection_limit / s->workers);

    worker->http = http_open(&worker->loop, &s->http, connections ? connections : 1, listener,
                             worker->http_metrics, &hooks);
    return worker->http;
}

bool worker_open(struct worker *worker, int listener, bool first)
{
    const char *failed = NULL;

    atomic_init(&worker->stop, false);
    worker->fibers.limit = (size_t)worker->settings->request_limit;
    worker->stacks.fire = stacks_due;
    worker->prepare =
        (struct chore){.timer.fire = chore_due, .worker = worker, .work = prepare, .every = PREPARE_EVERY};
    worker->forget =
        (struct chore){.timer.fire = chore_due, .worker = worker, .work = chores_run, .every = CHORES_EVERY};
    if (!loop_open(&worker->loop))
        failed = "no epoll";
    else if (!open_metrics(worker))
        failed = "no memory for metrics";
    else if (!open_http(worker, listener))
        failed = "libmicrohttpd did not start";
    else if (!parts_open(worker, first))
        failed = "no memory";
    if (!failed) {
        worker->wake = (struct watch){.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), .ready = woken};
        if (worker->wake.fd < 0 || !loop_watch(&worker->loop, &worker->wake, EPOLLIN))
            failed = "no eventfd";
    }
    if (!failed)
        again(worker, &worker->stacks, STACKS_EVERY);
    if (!failed && first) {
        again(worker, &worker->prepare.timer, 0);
        again(worker, &worker->forget.timer, SECOND);
        start_upkeep(worker);
    }
    if (failed)
        log_line(LOG_ERROR, "a worker cannot start", "reason", failed, NULL);
    return !failed;
}

static void turn(struct worker *worker)
{
    loop_turn(&worker->loop, http_wait(worker->http));
    /*
     * First sends what answers of other services and the database have caused: these then work while HTTP
     * runs.
     */
    parts_flush(worker);
    http_run(worker->http);
    parts_flush(worker);
    parts_end_turn(worker);
    metric_set(&worker->serve_metrics->fibers, worker->fibers.running);
    histogram_observe(&worker->serve_metrics->turns, &serve_turn_bounds,
                      (uint64_t)(clock_monotonic() - worker->loop.now));
}

static void close_worker(struct worker *worker)
{
    /*
     * Requests still in flight use libmicrohttpd's connections: the process then ends without closing them.
     */
    if (http_requests(worker->http) == 0)
        http_close(worker->http);
    parts_close(worker);
    fiber_pool_free(&worker->fibers);
    close(worker->wake.fd);
    loop_close(&worker->loop);
}

void *worker_run(void *arg)
{
    struct worker *worker = arg;
    int64_t end = 0;

    while (!atomic_load_explicit(&worker->stop, memory_order_relaxed))
        turn(worker);
    worker->draining = true;
    http_drain(worker->http);
    end = worker->loop.now + worker->settings->shutdown_timeout * MILLISECOND;
    while ((http_requests(worker->http) || http_connections(worker->http) || worker->fibers.running) &&
           worker->loop.now < end)
        turn(worker);
    close_worker(worker);
    return NULL;
}

struct errand {
    struct worker worker;
    struct pg_metrics metrics; /* not read */
    void (*work)(struct request *rq, void *arg);
    void *arg;
    bool done;
};

static void run_errand(void *arg)
{
    struct errand *errand = arg;
    struct request rq = {.loop = &errand->worker.loop, .worker = &errand->worker};

    errand->work(&rq, errand->arg);
    arena_free(&rq.arena);
    errand->done = true;
}

bool worker_do_alone(const struct settings *settings, const struct api *api,
                     void (*work)(struct request *rq, void *arg), void *arg)
{
    struct errand errand = {
        .worker = {.settings = settings, .api = api, .fibers.limit = 1}, .work = work, .arg = arg};
    struct worker *worker = &errand.worker;

    worker->pg_metrics = &errand.metrics;
    if (!loop_open(&worker->loop))
        return false;
    bool opened = part_database.open(worker, false) && fiber_start(&worker->fibers, run_errand, &errand);
    while (opened && !errand.done) {
        part_database.flush(worker);
        loop_turn(&worker->loop, SECOND);
    }
    part_database.close(worker);
    fiber_pool_free(&worker->fibers);
    loop_close(&worker->loop);
    return opened;
}

void worker_stop(struct worker *worker)
{
    uint64_t one = 1;

    atomic_store(&worker->stop, true);
    /* If the counter is full, the worker has been woken already. */
    ssize_t written = write(worker->wake.fd, &one, sizeof(one));
    (void)written;
}
