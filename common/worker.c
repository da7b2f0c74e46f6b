#include "common/worker.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/http.h"
#include "common/idempotency.h"
#include "common/log.h"
#include "common/pg.h"
#include "common/request.h"
#include "common/settings.h"

#define UPKEEP (600 * SECOND) /* between two rounds */

/* A request that nobody sent, for statements that the service runs for itself. */
static void do_upkeep(void *arg)
{
    struct worker *worker = arg;
    struct request rq = {.worker = worker,
                         .deadline = worker->loop.now + worker->settings->report_timeout * MILLISECOND};

    idempotency_forget(&rq);
    arena_free(&rq.arena);
}

static void upkeep_due(struct timer *timer)
{
    struct worker *worker = (struct worker *)((char *)timer - offsetof(struct worker, upkeep));

    bool next = timer_set(&worker->loop, timer, worker->loop.now + UPKEEP);

    if (!fiber_start(&worker->fibers, do_upkeep, worker) || !next)
        log_line(LOG_WARNING, "upkeep is put off", NULL);
}

static void woken(struct watch *watch, uint32_t events)
{
    uint64_t count;

    (void)events;
    /* A counter that is empty already was read by an earlier turn. */
    ssize_t got = read(watch->fd, &count, sizeof(count));
    (void)got;
}

bool worker_open(struct worker *worker, int listener, bool upkeep)
{
    const char *failed = NULL;

    atomic_init(&worker->stop, false);
    worker->fibers.limit = (size_t)worker->settings->request_limit;
    worker->upkeep.fire = upkeep_due;
    if (getrandom(&worker->request_ids, sizeof(worker->request_ids), 0) != sizeof(worker->request_ids))
        failed = "no random numbers";
    else if (!loop_open(&worker->loop))
        failed = "no epoll";
    else if (!http_open(worker, listener))
        failed = "libmicrohttpd did not start";
    else if (!pg_open(worker))
        failed = "no memory";
    if (!failed) {
        worker->wake = (struct watch){.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), .ready = woken};
        if (worker->wake.fd < 0 || !loop_watch(&worker->loop, &worker->wake, EPOLLIN) ||
            (upkeep && !timer_set(&worker->loop, &worker->upkeep, worker->loop.now + UPKEEP)))
            failed = "no eventfd";
    }
    if (failed)
        log_line(LOG_ERROR, "a worker cannot start", "reason", failed, NULL);
    return !failed;
}

static void turn(struct worker *worker)
{
    loop_turn(&worker->loop, http_wait(worker));
    http_run(worker);
    pg_flush(worker);
}

static void close_worker(struct worker *worker)
{
    /* What is still in flight holds libmicrohttpd's connections: then the process ends with them. */
    if (http_requests(worker) == 0)
        http_close(worker);
    pg_close(worker);
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
    http_drain(worker);
    end = worker->loop.now + worker->settings->shutdown_timeout * MILLISECOND;
    while ((http_requests(worker) || http_connections(worker) || worker->fibers.running) &&
           worker->loop.now < end)
        turn(worker);
    close_worker(worker);
    return NULL;
}

void worker_stop(struct worker *worker)
{
    uint64_t one = 1;

    atomic_store(&worker->stop, true);
    /* A counter that cannot take more has woken the worker already. */
    ssize_t written = write(worker->wake.fd, &one, sizeof(one));
    (void)written;
}
