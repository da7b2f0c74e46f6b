/*
 * Whole requests through the real libmicrohttpd and the whole pipeline, with the endpoints of all services,
 * whose handlers only repeat what they were given.
 *
 * What the program takes for a request is what a strict reader of the same bytes takes for one (RFC 9112), in
 * the same order, so that nothing is smuggled; every answer is one of HTTP, of a status below 500, and ends
 * where it says.
 */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <errno.h>

#include "common/auth/auth.h"
#include "common/base/log.h"
#include "common/http/metrics.h"
#include "common/http/request.h"
#include "common/http/server.h"
#include "common/serve/pipeline.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/table/router.h"
#include "common/watch/request_log.h"
#include "tests/fuzz/support/fuzz.h"
#include "tests/fuzz/support/reader.h"

#define ANSWERS_MOST ((size_t)4 << 20) /* bytes of all answers to one input */
#define PATIENCE     (20 * SECOND)     /* for the end of a connection whose client has gone */

static struct settings settings = {
    .workers = 1,
    .request_timeout = 60000,
    .report_timeout = 60000,
    .export_timeout = 60000,
    .ingest = {.body_limit = 8192, .limit = 10, .timeout = 60000},
    .http = {.body_limit = 4096,
             .header_limit = 8192,
             .url_limit = 2048,
             .connection_limit = 10,
             .header_timeout = 60000,
             .body_timeout = 60000,
             .write_timeout = 60000,
             .keepalive_timeout = 60000,
             .cors_origins = "*"},
};
static struct worker worker = {.settings = &settings};
static struct api api = {.name = "fuzz"};
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static struct reader reader; /* of the same bytes */
static char answers[ANSWERS_MOST];

static enum reply repeat(struct request *rq)
{
    struct writer w = writer_start(&rq->arena);

    write_literal(&w, "{\"path\":");
    if (rq->path)
        shape_write(&w, rq->endpoint->path_in, rq->path);
    else
        write_literal(&w, "null");
    write_char(&w, '}');
    HOLDS(!w.failed);
    return reply_text(rq, 200, "application/json", (struct text){w.at, w.len});
}

static void take(struct request *rq)
{
    struct read_request read;

    HOLDS(reader_next(&reader, &read));
    HOLDS(text_equal(read.method, rq->method_name) && text_equal(read.target, rq->target));
    HOLDS(text_equal(read.body, rq->body_bytes));
    pipeline_take(rq);
}

static void step(struct worker *unused)
{
    (void)unused;
}

static void make_table(void)
{
    size_t count = 0;

    for (size_t i = 0; i < FUZZ_SERVICES; i++)
        count += fuzz_apis[i]->endpoint_count;
    struct endpoint *endpoints = calloc(count, sizeof(*endpoints));
    HOLDS(endpoints);
    api.endpoints = endpoints;
    api.endpoint_count = count;
    for (size_t i = 0; i < FUZZ_SERVICES; i++) {
        for (size_t k = 0; k < fuzz_apis[i]->endpoint_count; k++) {
            *endpoints = fuzz_apis[i]->endpoints[k];
            endpoints->handle = repeat;
            endpoints->scope = NULL;
            endpoints++->flags &= ~(unsigned)(ENDPOINT_CREATES | ENDPOINT_TOKEN | ENDPOINT_SERVICE);
        }
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t len = offsetof(struct sockaddr_un, sun_path) + 1;
    const struct http_hooks hooks = {.worker = &worker,
                                     .on_request = take,
                                     .on_refused = pipeline_leave,
                                     .on_stream = pipeline_begin_answer,
                                     .body_limit = pipeline_body_limit,
                                     .on_step = step};

    (void)argc, (void)argv;
    log_start("fuzz", (enum log_level)(LOG_ERROR + 1));
    shape_set_limits(&(struct shape_limits){.text = 300, .list = 20});
    make_table();
    snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "fuzz-http-%ld", (long)getpid());
    len += (socklen_t)strlen(address.sun_path + 1);
    HOLDS(listener >= 0 && bind(listener, (struct sockaddr *)&address, len) == 0 &&
          listen(listener, 10) == 0);
    worker.api = &api;
    worker.router = router_open(&api);
    worker.fibers.limit = 10;
    HOLDS(worker.router && loop_open(&worker.loop) && metrics_open(&worker.metrics, &api));
    worker.request_log = request_log_open(&worker.loop, &settings.watch);
    worker.auth = auth_open(&(struct auth_base){.settings = &settings.auth, .loop = &worker.loop}, false);
    worker.http_metrics = metrics_add_room(&worker.metrics, &http_metric_group);
    HOLDS(worker.request_log && worker.auth && worker.http_metrics);
    worker.http = http_open(&worker.loop, &settings.http, 10, listener, worker.http_metrics, &hooks);
    HOLDS(worker.http);
    return 0;
}

static void turn(void)
{
    int64_t wait = http_wait(worker.http);

    loop_turn(&worker.loop, wait < MILLISECOND ? wait : MILLISECOND);
    http_run(worker.http);
    request_log_flush(worker.request_log);
}

/* Sends everything and reads until the connection is closed; the bytes of the answers. */
static size_t exchange(struct text input)
{
    socklen_t size = offsetof(struct sockaddr_un, sun_path) + 1 + (socklen_t)strlen(address.sun_path + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int64_t end = clock_monotonic() + PATIENCE;
    size_t len = 0;
    bool whole = false;

    HOLDS(fd >= 0 && connect(fd, (struct sockaddr *)&address, size) == 0);
    for (;;) {
        ssize_t sent = input.len ? send(fd, input.at, input.len, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
        if (sent > 0)
            input = (struct text){input.at + sent, input.len - (size_t)sent};
        if (sent < 0 && errno != EAGAIN)
            input.len = 0;
        if (!input.len && !whole)
            shutdown(fd, SHUT_WR);
        whole = !input.len;
        turn();
        ssize_t got = recv(fd, answers + len, ANSWERS_MOST - len, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            break;
        len += got > 0 ? (size_t)got : 0;
        HOLDS(len < ANSWERS_MOST && clock_monotonic() < end);
    }
    close(fd);
    while (http_connections(worker.http)) {
        turn();
        HOLDS(clock_monotonic() < end);
    }
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct text input = {len ? (const char *)bytes : "", len};

    reader_open(&reader, input);
    struct text told = {answers, exchange(input)};
    reader_close(&reader);
    HOLDS(!http_requests(worker.http));
    reader_check_answers(told);
    return 0;
}
