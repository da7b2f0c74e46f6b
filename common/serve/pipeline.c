/*
 * Take, route, authorise, read, handle, leave: each step is a function here, in this order, which calls the
 * next one or replies; every answer passes through the last one.
 *
 * A request runs on the loop's own stack as far as possible, and in a fiber from the first step that waits.
 */
#include "common/serve/pipeline.h"

#include "common/auth/auth.h"
#include "common/base/fiber.h"
#include "common/base/loop.h"
#include "common/http/answer.h"
#include "common/http/cors.h"
#include "common/http/request.h"
#include "common/pg/pg.h"
#include "common/serve/idempotency.h"
#include "common/serve/input.h"
#include "common/serve/route.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/table/router.h"
#include "common/watch/request_log.h"

#define RUNS_MAX 4 /* of a handler whose transactions are rolled back */

#define BODY_LONG ((size_t)16 << 10) /* bytes: a longer body is read in a fiber, which lets others run */

static void authorise(struct request *rq);
static void authorise_with_newer_keys(void *arg);
static void read_and_handle(struct request *rq);
static void handle(void *arg);

static void go_on_in_fiber(struct request *rq, void (*step)(void *rq))
{
    if (fiber_start(&rq->worker->fibers, step, rq))
        return;
    reply_unavailable(rq);
    pipeline_leave(rq);
}

int64_t pipeline_body_limit(const struct request *rq)
{
    const struct settings *settings = rq->worker->settings;
    struct route route;

    router_find(rq->worker->router, rq->method, rq->raw_path, &route);
    bool many = route.endpoint && route.endpoint->flags & ENDPOINT_BATCH;
    return many ? settings->ingest.body_limit : settings->http.body_limit;
}

void pipeline_take(struct request *rq)
{
    const struct settings *settings = rq->worker->settings;

    rq->deadline = rq->loop->now + settings->request_timeout * MILLISECOND;
    if (cors_preflight(rq, settings->http.cors_origins) || !route_find(rq)) {
        pipeline_leave(rq);
        return;
    }
    if (pg_refused() && !(rq->endpoint->flags & ENDPOINT_PROBE)) {
        reply_unavailable(rq);
        pipeline_leave(rq);
        return;
    }
    if (rq->endpoint->flags & ENDPOINT_REPORT)
        rq->deadline = rq->loop->now + settings->report_timeout * MILLISECOND;
    if (rq->endpoint->flags & ENDPOINT_EXPORT)
        rq->deadline = rq->loop->now + settings->export_timeout * MILLISECOND;
    if (rq->endpoint->flags & ENDPOINT_BATCH)
        rq->deadline = rq->loop->now + settings->ingest.timeout * MILLISECOND;
    authorise(rq);
}

/* Checks the token; if it may be signed by a key newer than ours, the keys are fetched first. */
static void authorise(struct request *rq)
{
    switch (auth_check(rq->worker->auth, rq, true)) {
    case AUTH_PASSED:
        read_and_handle(rq);
        break;
    case AUTH_REPLIED:
        pipeline_leave(rq);
        break;
    case AUTH_STALE:
        go_on_in_fiber(rq, authorise_with_newer_keys);
        break;
    }
}

static void authorise_with_newer_keys(void *arg)
{
    struct request *rq = arg;

    auth_refresh(rq->worker->auth, rq);
    if (auth_check(rq->worker->auth, rq, false) == AUTH_PASSED)
        read_and_handle(rq);
    else
        pipeline_leave(rq);
}

static void read_in_fiber(void *arg)
{
    read_and_handle(arg);
}

static void read_and_handle(struct request *rq)
{
    if (rq->body_bytes.len > BODY_LONG && !fiber_current()) {
        go_on_in_fiber(rq, read_in_fiber);
        return;
    }
    if (!input_read(rq))
        pipeline_leave(rq);
    else if (rq->endpoint->flags & ENDPOINT_DIRECT || fiber_current())
        handle(rq);
    else
        go_on_in_fiber(rq, handle);
}

static void handle(void *arg)
{
    struct request *rq = arg;
    bool creates = rq->endpoint->flags & ENDPOINT_CREATES && !(rq->endpoint->flags & ENDPOINT_FORWARD);
    size_t headers = rq->answer_header_count;
    unsigned runs = 0;

    /* A statement outside of a transaction is run again by its lane; of a transaction the handler knows more.
     */
    do {
        rq->runs_again = false;
        rq->answer_header_count = headers;
        if (rq->headers.idempotency_key.at && creates)
            idempotency_run(rq);
        else
            rq->endpoint->handle(rq);
    } while (rq->runs_again && !rq->streamed && ++runs < RUNS_MAX);
    pipeline_leave(rq);
}

/* Adds the headers that every answer has. */
static void add_common_headers(struct request *rq)
{
    char *id = rq->id.len ? arena_string(&rq->arena, rq->id) : NULL;

    if (id)
        reply_header(rq, "X-Request-ID", id);
    if (rq->worker->settings->http.server_timing) {
        char *timing = arena_alloc(&rq->arena, TIMING_TEXT_MAX);
        if (timing) {
            timing_print(timing, &rq->timing, rq->duration);
            reply_header(rq, "Server-Timing", timing);
        }
    }
}

/* The reply if the memory for an answer is exhausted. */
static void reply_exhausted(struct request *rq)
{
    static const struct text exhausted = {"{\"detail\":\"Service temporarily unavailable\"}", 44};

    reply_header(rq, "Retry-After", "1");
    rq->status = 503;
    rq->content_type = "application/json";
    rq->out = writer_over(exhausted);
    rq->gzipped = rq->tells_length = false;
}

void pipeline_begin_answer(struct request *rq)
{
    cors_headers(rq, rq->worker->settings->http.cors_origins);
    answer_begin(rq);
    rq->duration = clock_monotonic() - rq->started;
    add_common_headers(rq);
}

/* The whole answer is there. */
static void complete(struct request *rq)
{
    cors_headers(rq, rq->worker->settings->http.cors_origins);
    stream_finish_head(rq);
    answer_finish(rq);
    if (rq->out.failed)
        reply_exhausted(rq);
    rq->duration = clock_monotonic() - rq->started;
    add_common_headers(rq);
}

/* The last part of an answer is there. */
static void complete_stream(struct request *rq)
{
    stream_finish(rq);
    rq->duration = clock_monotonic() - rq->started;
}

void pipeline_leave(struct request *rq)
{
    if (rq->streamed)
        complete_stream(rq);
    else
        complete(rq);
    metrics_request(&rq->worker->metrics, rq);
    request_log_add(rq->worker->request_log, rq);
    http_answer(rq);
}
