/* Answers that leave while they are written, over a real socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/fiber.h"
#include "common/base/loop.h"
#include "common/http/metrics.h"
#include "common/http/request.h"
#include "common/http/server.h"
#include "tests/unit/support/stand.h"

static const struct endpoint report = {.flags = ENDPOINT_REPORT};
static const struct http_settings settings = {.body_limit = 1024,
                                              .header_limit = 4096,
                                              .url_limit = 4096,
                                              .connection_limit = 10,
                                              .header_timeout = 3600000,
                                              .body_timeout = 3600000,
                                              .write_timeout = 3600000,
                                              .keepalive_timeout = 3600000};

static struct loop loop;
static struct fiber_pool fibers = {.limit = 1};
static struct http_metrics metrics;
static struct http *http;
static struct sockaddr_in address;
static uint64_t parts; /* that the answer has before it breaks */

static void produce(void *arg)
{
    static const char bytes[1024];
    struct request *rq = arg;

    rq->endpoint = &report;
    reply_list_begin(rq);
    while (rq->streamed_bytes < parts * WRITER_PART && !rq->out.failed)
        write_bytes(&rq->out, bytes, sizeof(bytes));
    stream_break(rq);
    http_answer(rq);
}

static void begin(struct request *rq)
{
    assert_true(fiber_start(&fibers, produce, rq));
}

static void ignore_request(struct request *rq)
{
    (void)rq;
}

static void ignore_worker(struct worker *worker)
{
    (void)worker;
}

static int open_server(void **state)
{
    static const struct http_hooks hooks = {.on_request = begin,
                                            .on_refused = http_answer,
                                            .on_stream = ignore_request,
                                            .on_step = ignore_worker};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof(address);

    (void)state;
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    assert_true(loop_open(&loop));
    http = http_open(&loop, &settings, 10, listener, &metrics, &hooks);
    assert_non_null(http);
    return 0;
}

static int close_server(void **state)
{
    (void)state;
    http_close(http);
    fiber_pool_free(&fibers);
    loop_close(&loop);
    return 0;
}

/* Turns until the connection is closed, with nothing else for the server to do; the bytes that came. */
static size_t bytes_until_closed(int fd)
{
    static char bytes[1 << 16];
    int64_t end = clock_monotonic() + STAND_PATIENCE;
    size_t total = 0;

    for (ssize_t got = -1; got; total += got > 0 ? (size_t)got : 0) {
        assert_true(clock_monotonic() < end);
        loop_turn(&loop, http_wait(http));
        http_run(http);
        got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    }
    return total;
}

/* libmicrohttpd has then asked for more, been told of the break, and waits for no event. */
static void a_connection_is_closed_when_its_answer_breaks_behind_a_part_that_is_taken(void **state)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    (void)state;
    for (parts = 1; parts < 20; parts++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(send(fd, request, sizeof(request) - 1, 0), sizeof(request) - 1);
        assert_true(bytes_until_closed(fd) >= parts * WRITER_PART);
        close(fd);
        assert_int_equal(http_connections(http), 0);
        assert_int_equal(fibers.running, 0);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_connection_is_closed_when_its_answer_breaks_behind_a_part_that_is_taken, open_server,
            close_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
