/*
 * Exhausted memory: each allocation fails in turn while calls run on PostgreSQL and while requests are
 * served. Nobody crashes, nothing is there twice, and the next call or request works.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/auth/auth.h"
#include "common/http/metrics.h"
#include "common/http/server.h"
#include "common/serve/pipeline.h"
#include "common/table/router.h"
#include "common/watch/metrics.h"
#include "common/watch/request_log.h"
#include "tests/unit/support/database.h"
#include "tests/unit/support/marks.h"

/* The allocation that fails: 1 is the next one, 0 none. A compiler may take malloc for one that touches
 * neither. */
static volatile unsigned long fails_at;
static volatile bool has_failed;

static bool fails(void)
{
    if (!fails_at || --fails_at)
        return false;
    has_failed = true;
    errno = ENOMEM;
    return true;
}

/* These stand before the C library's own for the whole program, its libraries included. */
void *malloc(size_t size)
{
    static void *(*real)(size_t);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "malloc");
    return fails() ? NULL : real(size);
}

void *realloc(void *block, size_t size)
{
    static void *(*real)(void *, size_t);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "realloc");
    return fails() ? NULL : real(block, size);
}

void *calloc(size_t count, size_t size)
{
    static void *(*real)(size_t, size_t);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "calloc");
    return fails() ? NULL : real(count, size);
}

static void fail_from_now(unsigned long nth)
{
    has_failed = false;
    fails_at = nth;
}

/* Ends it; whether an allocation failed. */
static bool fail_no_more(void)
{
    fails_at = 0;
    return has_failed;
}

/* valgrind puts its own functions in place of ours. */
static void skip_without_failures(void)
{
    fail_from_now(1);
    void *volatile block = malloc(1);
    fail_no_more();
    free(block);
    if (block)
        skip();
}

/* Calls on PostgreSQL */

static void two_inserts_and_commit(struct job *job)
{
    struct mark mark = {text_of(job->token), 1};

    job->answer = QUERY_REPLIED;
    if (!query_begin(&job->rq))
        return;
    job->answer = query_row(&job->rq, &insert_mark, &mark, NULL);
    if (job->answer == QUERY_ROW)
        job->answer = query_row(&job->rq, &insert_mark, &mark, NULL);
    if (!query_commit(&job->rq))
        job->answer = QUERY_REPLIED;
}

enum { JOBS = 5 };

static void start_jobs(struct job *jobs, char tokens[JOBS][40], unsigned long round)
{
    jobs[0] = job_of(&append_mark, tokens[0], 1);
    jobs[1] = job_of(&append_ratio, tokens[1], 1);
    jobs[2] = job_of(&insert_mark, tokens[2], 1);
    jobs[3] = (struct job){.run = two_inserts_and_commit, .token = tokens[3]};
    jobs[4] = job_of(&read_series, "", 200);
    for (int i = 0; i < JOBS; i++) {
        snprintf(tokens[i], sizeof(tokens[i]), "memory %lu %d", round, i);
        job_start(&jobs[i]);
    }
}

static void assert_outcome(struct job *job, int i)
{
    const struct number *rows = job->rows.items;

    assert_true(job->answer == QUERY_ROW || job->answer == QUERY_REPLIED);
    if (i == 4) {
        assert_int_equal(job->answer == QUERY_ROW ? job->rows.count : 200, 200);
        for (size_t k = 0; k < 200 && job->answer == QUERY_ROW; k++)
            assert_int_equal(rows[k].n, k + 1);
        return;
    }
    long marks = marks_of(job->token), whole = i == 3 ? 2 : 1;
    if (job->answer == QUERY_ROW)
        assert_int_equal(marks, whole);
    else
        assert_true(marks == 0 || marks == whole);
}

/* The lanes do not turn meanwhile: they find their connections ended. */
static void end_backends(void)
{
    int64_t end = clock_monotonic() + STAND_PATIENCE;

    while (sql_number("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                      " WHERE application_name = 'stand'"))
        assert_true(clock_monotonic() < end);
}

/*
 * Fails allocations of five calls in turn, one in `step`; `cold` with connections that have to be made first,
 * each of which allocates the same.
 */
static void fail_allocations_of_calls(bool cold, unsigned long step)
{
    struct job jobs[JOBS];
    char tokens[JOBS][40];
    bool failed = true;

    stand_defaults(database_url(0));
    stand_open(marks_schema);
    stand_await(pg_ready(stand_worker.pg));
    sql("TRUNCATE marks");
    for (unsigned long round = 1; failed; round += step) {
        if (cold)
            end_backends();
        fail_from_now(round);
        start_jobs(jobs, tokens, round);
        for (int i = 0; i < JOBS; i++)
            job_await(&jobs[i]);
        failed = fail_no_more();
        for (int i = 0; i < JOBS; i++) {
            assert_outcome(&jobs[i], i);
            assert_true(failed || jobs[i].answer == QUERY_ROW);
            job_free(&jobs[i]);
        }
        /* Everything works again. */
        start_jobs(jobs, tokens, round + 1000000);
        for (int i = 0; i < JOBS; i++) {
            job_await(&jobs[i]);
            assert_int_equal(jobs[i].answer, QUERY_ROW);
            job_free(&jobs[i]);
        }
        assert_true(!failed || round < 100000);
    }
    stand_close();
}

static void calls_survive_each_allocation_that_fails(void **state)
{
    (void)state;
    skip_without_failures();
    fail_allocations_of_calls(false, 1);
}

static void connecting_survives_allocations_that_fail(void **state)
{
    (void)state;
    skip_without_failures();
    fail_allocations_of_calls(true, 5);
}

/* Requests */

struct echo {
    struct text name;
    int64_t number;
    struct texts list;
};

#define FIELD(member, kind)                                                                                  \
    .name = #member, .type = kind, .flags = FIELD_REQUIRED, .at = offsetof(struct echo, member)

static const struct field path_fields[] = {{FIELD(name, FIELD_TEXT)}};
static const struct field query_fields[] = {{FIELD(number, FIELD_INT)}};
static const struct field body_fields[] = {
    {FIELD(name, FIELD_TEXT)}, {FIELD(number, FIELD_INT)}, {FIELD(list, FIELD_TEXTS)}};
static const struct shape path_shape = {"Path", "", sizeof(struct echo), path_fields, 1};
static const struct shape query_shape = {"Query", "", sizeof(struct echo), query_fields, 1};
static const struct shape body_shape = {"Body", "", sizeof(struct echo), body_fields, 3};

static enum reply echo(struct request *rq)
{
    return reply(rq, &body_shape, rq->body);
}

static const struct endpoint endpoints[] = {
    {.method = METHOD_POST,
     .path = "/echo/{name}",
     .path_in = &path_shape,
     .query_in = &query_shape,
     .body_in = &body_shape,
     .answer = &body_shape,
     .flags = ENDPOINT_DIRECT,
     .handle = echo},
    {.method = METHOD_POST,
     .path = "/later/{name}",
     .path_in = &path_shape,
     .query_in = &query_shape,
     .body_in = &body_shape,
     .answer = &body_shape,
     .handle = echo},
};
static const struct api api = {.name = "memory", .endpoints = endpoints, .endpoint_count = 2};
static struct sockaddr_in address;
static struct worker worker;

static void step(struct worker *unused)
{
    (void)unused;
}

static void open_server(void)
{
    static struct settings settings;
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    stand_defaults("");
    settings = stand_settings;
    settings.workers = 1;
    settings.http.body_limit = 1 << 20;
    settings.http.header_limit = 32 << 10;
    settings.http.url_limit = 8 << 10;
    settings.http.connection_limit = 100;
    settings.http.header_timeout = settings.http.body_timeout = settings.http.write_timeout = 5000;
    settings.http.keepalive_timeout = 75000;
    settings.http.cors_origins = "*";
    worker = (struct worker){.settings = &settings, .api = &api, .router = router_open(&api)};
    worker.fibers.limit = 10;
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 10), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    assert_non_null(worker.router);
    assert_true(loop_open(&worker.loop));
    assert_true(metrics_open(&worker.metrics, &api));
    worker.request_log = request_log_open(&worker.loop, &settings.watch);
    worker.auth = auth_open(&(struct auth_base){.settings = &settings.auth, .loop = &worker.loop}, false);
    assert_true(worker.request_log && worker.auth);
    worker.http_metrics = metrics_add_room(&worker.metrics, &http_metric_group);
    assert_non_null(worker.http_metrics);
    const struct http_hooks hooks = {
        .worker = &worker, .on_request = pipeline_take, .on_refused = pipeline_leave, .on_step = step};
    worker.http = http_open(&worker.loop, &settings.http, 100, listener, worker.http_metrics, &hooks);
    assert_non_null(worker.http);
}

static void close_server(void)
{
    assert_int_equal(http_requests(worker.http), 0);
    http_close(worker.http);
    auth_close(worker.auth);
    request_log_close(worker.request_log);
    metrics_close(&worker.metrics);
    fiber_pool_free(&worker.fibers);
    loop_close(&worker.loop);
    router_close((struct router *)(uintptr_t)worker.router);
}

/* Sends a request and turns the worker until its answer has come or the connection is closed; the status, or
 * 0. */
static int ask(const char *path)
{
    static const char body[] = "{\"name\": \"a\\u00e9\", \"number\": \"7\", \"list\": [\"x\", \"y\"]}";
    char request[1024], answer[4096] = "";
    size_t len = 0;
    int64_t end = clock_monotonic() + STAND_PATIENCE;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    snprintf(request, sizeof(request),
             "POST %s?number=%%35 HTTP/1.1\r\nHost: a\r\nOrigin: http://x\r\nConnection: close\r\n"
             "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
             path, sizeof(body) - 1, body);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    for (;;) {
        assert_true(clock_monotonic() < end);
        int64_t wait = http_wait(worker.http);
        loop_turn(&worker.loop, wait < 10 * MILLISECOND ? wait : 10 * MILLISECOND);
        http_run(worker.http);
        request_log_flush(worker.request_log);
        ssize_t got = recv(fd, answer + len, sizeof(answer) - 1 - len, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            break;
        len += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    answer[len] = '\0';
    if (len < 12)
        return 0;
    int status = (int)strtol(answer + 9, NULL, 10);
    if (status == 200)
        assert_non_null(
            strstr(answer, "\r\n\r\n{\"name\":\"a\xc3\xa9\",\"number\":7,\"list\":[\"x\",\"y\"]}"));
    return status;
}

static void requests_survive_each_allocation_that_fails(void **state)
{
    (void)state;
    skip_without_failures();
    open_server();
    for (int kind = 0; kind < 2; kind++) {
        bool failed = true;
        for (unsigned long round = 1; failed; round++) {
            fail_from_now(round);
            int status = ask(kind ? "/later/b%20c" : "/echo/b%20c");
            failed = fail_no_more();
            assert_true(status == 200 || (failed && (status == 0 || status == 503)));
            assert_int_equal(ask("/later/b%20c"), 200);
            assert_true(round < 100000);
        }
    }
    close_server();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_survive_each_allocation_that_fails),
        cmocka_unit_test(connecting_survives_allocations_that_fail),
        cmocka_unit_test(requests_survive_each_allocation_that_fails),
    };

    return cmocka_run_group_tests(tests, database_open, database_close);
}
