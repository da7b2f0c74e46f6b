#include "common/http/server.h"

#include <linux/tcp.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/declare.h"
#include "common/base/log.h"
#include "common/base/loop.h"
#include "common/http/header.h"
#include "common/http/metrics.h"
#include "common/http/request.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/table/router.h"
#include "common/watch/request_log.h"

#define PAGE ((size_t)4096)
#define POOL_EXTRA                                                                                           \
    (4 * PAGE) /* of a connection's memory beyond the header block: parsed header, answer's header */
#define EXCHANGES_MAX 256 /* free ones that are kept with their first memory */
#define STEPS         8   /* requests begun or ended, some 100 us, between two looks at what is not HTTP */
#define SWEEP         (100 * MILLISECOND) /* between two looks at the connections */
#define SWEEP_CLOSES  32                  /* connections, some ms of work, before the look is broken off */
#define SWEEP_ON      (5 * MILLISECOND)   /* until it goes on */
#define MANY          256 /* connections of a worker, from which on their memory is worth more than some time */
#define TRIM_AT_ONCE  32                 /* connections, before the loop looks for events again */
#define REST          (50 * MILLISECOND) /* after an answer, before a connection counts as idle */
#define TRIM_AFTER    SECOND /* of rest, where many others are busy: it would only touch its memory again */
#define CALM          16     /* connections for each request under way, and more */
#define BODY_FIRST    ((size_t)2048) /* bytes that a chunked body gets at first */
#define DRAIN_GRACE                                                                                          \
    (200 * MILLISECOND) /* a drained connection may still bring a request that was under way */
#define ID_MAX 128      /* bytes of an X-Request-ID that is taken over */

/* What the watchdog waits for. */
enum connection_state { AWAITS_HEADER, AWAITS_BODY, AWAITS_ANSWER, AWAITS_READER, AWAITS_NOTHING };

struct connection {
    struct connection *next, **link;
    struct connection *rested_next,
        **rested_link; /* among those that came to rest in this turn; NULL: not there */
    int fd;
    enum connection_state state;
    int64_t since;     /* the state began; of AWAITS_NOTHING: the first byte of a header was seen, or 0 */
    int64_t ended;     /* the last request was answered */
    uint64_t received; /* bytes when the connection became idle; 0: not looked at yet */
    char *pool;   /* where libmicrohttpd keeps what it reads, page-aligned; NULL until the first request */
    bool trimmed; /* the pool's clean pages are given back */
};

/* A request and what HTTP adds to it. */
struct exchange {
    struct request rq;
    struct MHD_Connection *mhd;
    struct connection *connection;
    struct exchange *next; /* among the free ones, or those to resume */
    struct header_scan scan;
    bool begun, started, suspended, answered, close;
    char *body;
    size_t body_len, body_size;
    bool body_too_large, body_lost;
};

struct http {
    struct watch watch;
    struct worker *worker;
    struct MHD_Daemon *daemon;
    struct timer sweep;
    struct connection *connections;
    struct connection *swept; /* where the look at them goes on; NULL: with the first */
    struct connection *rested;
    struct exchange *idle;
    size_t idle_count;
    struct exchange *resumable;
    size_t requests, connection_count;
    size_t pool_size;
    unsigned steps;
    bool ready; /* libmicrohttpd has something to do */
    int64_t draining_since;
};

const char *http_library_version(void)
{
    return MHD_get_version();
}

/* Exchanges */

static struct exchange *exchange_new(struct http *http)
{
    struct exchange *x = http->idle;

    if (x) {
        http->idle = x->next;
        http->idle_count--;
        struct arena arena = x->rq.arena;
        memset(x, 0, sizeof(*x));
        x->rq.arena = arena;
    } else {
        x = calloc(1, sizeof(*x));
        if (!x)
            return NULL;
    }
    x->rq.worker = http->worker;
    x->rq.started = http->worker->loop.now;
    http->requests++;
    return x;
}

static void exchange_free(struct http *http, struct exchange *x)
{
    http->requests--;
    if (http->idle_count >= EXCHANGES_MAX) {
        arena_free(&x->rq.arena);
        free(x);
        return;
    }
    arena_reset(&x->rq.arena);
    x->next = http->idle;
    http->idle = x;
    http->idle_count++;
}

static void set_state(struct exchange *x, enum connection_state state)
{
    x->connection->state = state;
    x->connection->since = x->rq.worker->loop.now;
}

/* Answering */

static bool add_headers(const struct request *rq, struct MHD_Response *response, bool close)
{
    char id[ID_MAX + 1];
    bool added = true;

    memcpy(id, rq->id.at, rq->id.len);
    id[rq->id.len] = '\0';
    if (rq->content_type)
        added = MHD_add_response_header(response, "Content-Type", rq->content_type) == MHD_YES;
    added = added && MHD_add_response_header(response, "X-Request-ID", id) == MHD_YES;
    if (rq->worker->settings->http.server_timing) {
        char timing[TIMING_TEXT_MAX];
        timing_print(timing, rq);
        added = added && MHD_add_response_header(response, "Server-Timing", timing) == MHD_YES;
    }
    for (size_t i = 0; i < rq->answer_header_count; i++)
        added = added && MHD_add_response_header(response, rq->answer_headers[i].name,
                                                 rq->answer_headers[i].value) == MHD_YES;
    return added && (!close || MHD_add_response_header(response, "Connection", "close") == MHD_YES);
}

/* Hands the answer to libmicrohttpd; false when it cannot take it, and the connection has to be closed. */
static bool queue_answer(struct exchange *x)
{
    static char exhausted[] = "{\"detail\":\"Service temporarily unavailable\"}";
    struct request *rq = &x->rq;

    rq->duration = clock_monotonic() - rq->started;
    if (rq->out.failed) {
        rq->status = 503;
        rq->content_type = "application/json";
        rq->out.at = exhausted;
        rq->out.len = sizeof(exhausted) - 1;
    }
    /* The body lies in the request's memory, which lives until the exchange is completed. */
    struct MHD_Response *response =
        MHD_create_response_from_buffer(rq->out.len, rq->out.at, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return false;
    bool queued = add_headers(rq, response, x->close || rq->worker->draining) &&
                  MHD_queue_response(x->mhd, (unsigned)rq->status, response) == MHD_YES;
    MHD_destroy_response(response);
    metrics_request(&rq->worker->metrics, rq);
    request_log_add(rq);
    set_state(x, AWAITS_READER);
    return queued;
}

void http_answer(struct request *rq)
{
    struct exchange *x = container_of(rq, struct exchange, rq);
    struct http *http = rq->worker->http;

    x->answered = true;
    if (!x->suspended)
        return; /* handle_request queues it */
    x->next = http->resumable;
    http->resumable = x;
}

static void resume_answered(struct http *http)
{
    struct exchange *x = http->resumable;

    http->resumable = NULL;
    while (x) {
        struct exchange *next = x->next;
        if (!queue_answer(x))
            shutdown(x->connection->fd, SHUT_RDWR);
        x->suspended = false;
        MHD_resume_connection(x->mhd);
        http->ready = true;
        x = next;
    }
}

/* A header or target that is refused: answered at once, the connection closed. */
static enum MHD_Result refuse(struct exchange *x, int status, const char *detail)
{
    x->close = x->started = x->answered = true;
    reply_error(&x->rq, status, detail);
    return queue_answer(x) ? MHD_YES : MHD_NO;
}

/* Gathering */

static enum MHD_Result take_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                   const char *value, size_t value_len)
{
    struct exchange *x = cls;

    (void)kind;
    header_scan_take(&x->scan, &x->rq.headers, (struct text){name, name_len},
                     (struct text){value ? value : "", value_len});
    return MHD_YES;
}

/* The next generated id: 16 hexadecimal digits, a counter from a random start. */
static struct text make_id(struct request *rq)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t n =
        rq->worker->request_ids++ * UINT64_C(0x9e3779b97f4a7c15); /* spreads, and repeats after 2^64 */
    char *id = arena_alloc(&rq->arena, 16);

    if (!id)
        return TEXT("");
    for (int i = 15; i >= 0; i--, n >>= 4)
        id[i] = digits[n & 15];
    return (struct text){id, 16};
}

static void take_id(struct request *rq)
{
    struct text id = rq->headers.request_id;
    bool good = id.at && id.len > 0 && id.len <= ID_MAX;

    for (size_t i = 0; good && i < id.len; i++)
        good = id.at[i] > ' ' && id.at[i] < 0x7f;
    rq->id = good ? id : make_id(rq);
}

/* Splits the target into path and query; what is behind the authority of an absolute form counts. */
static bool split_target(struct request *rq)
{
    struct text t = rq->target;

    if (t.len > 7 && text_equal_folded((struct text){t.at, 7}, TEXT("http://"))) {
        const char *slash = memchr(t.at + 7, '/', t.len - 7);
        t = slash ? (struct text){slash, t.len - (size_t)(slash - t.at)} : TEXT("/");
    }
    if (!t.len || t.at[0] != '/')
        return false;
    const char *mark = memchr(t.at, '?', t.len);
    rq->raw_path = (struct text){t.at, mark ? (size_t)(mark - t.at) : t.len};
    rq->raw_query = mark ? (struct text){mark + 1, t.len - rq->raw_path.len - 1} : TEXT_NULL;
    return true;
}

static enum MHD_Result start(struct exchange *x)
{
    set_state(x, AWAITS_ANSWER);
    x->started = true;
    x->rq.started = x->rq.worker->loop.now; /* what came before was the client's time */
    x->rq.body_bytes = (struct text){x->body ? x->body : "", x->body_len};
    if (x->body_too_large) {
        x->close = x->answered = true;
        reply_error(&x->rq, 413, "Request body too large");
    } else if (x->body_lost) {
        x->answered = true;
        reply_unavailable(&x->rq);
    } else {
        request_start(&x->rq);
    }
    if (x->answered)
        return queue_answer(x) ? MHD_YES : MHD_NO;
    x->suspended = true;
    MHD_suspend_connection(x->mhd);
    return MHD_YES;
}

static enum MHD_Result begin(struct exchange *x, const char *method, const char *version)
{
    struct request *rq = &x->rq;
    const struct settings *settings = rq->worker->settings;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    x->begun = true;
    x->connection = info ? info->socket_context : NULL;
    if (!x->connection || !rq->target.at)
        return MHD_NO;
    x->connection->pool = (char *)((uintptr_t)x->connection->pool & ~(uintptr_t)(PAGE - 1));
    x->connection->trimmed = false;
    set_state(x, AWAITS_BODY);
    rq->method_name = text_of(method);
    rq->method = method_of(rq->method_name);
    rq->head = rq->method == METHOD_HEAD;
    x->scan.version_1_0 = strcmp(version, MHD_HTTP_VERSION_1_0) == 0;
    x->scan.end = MHD_get_version()[0] == '0' ? version + strlen(version) : NULL;
    MHD_get_connection_values_n(x->mhd, MHD_HEADER_KIND, take_header, x);
    take_id(rq);
    if (rq->target.len > (size_t)settings->http.url_limit)
        return refuse(x, 414, "URI too long");
    if (x->scan.bytes > (size_t)settings->http.header_limit)
        return refuse(x, 431, "Request header block too large");
    const char *fault = header_scan_end(&x->scan);
    if (fault || !split_target(rq))
        return refuse(x, 400, fault ? fault : "Invalid request target");
    if (x->scan.content_length > (uint64_t)settings->http.body_limit)
        return refuse(x, 413, "Request body too large");
    /* An answer at this first call would close the connection: the request starts at the call that ends its
     * body. */
    return MHD_YES;
}

static void take_body(struct exchange *x, const char *bytes, size_t len)
{
    size_t limit = (size_t)x->rq.worker->settings->http.body_limit;

    if (x->body_too_large || x->body_lost)
        return; /* passed over until its end, or until the watchdog's */
    if (len > limit - x->body_len) {
        x->body_too_large = true;
        return;
    }
    if (x->body_len + len > x->body_size) {
        size_t size = x->scan.content_length ? x->scan.content_length : x->body_size * 2;
        if (size < BODY_FIRST && !x->scan.content_length)
            size = BODY_FIRST;
        while (size < x->body_len + len)
            size *= 2;
        char *body = arena_grow(&x->rq.arena, x->body, x->body_len, size);
        if (!body) {
            x->body_lost = true;
            return;
        }
        x->body = body;
        x->body_size = size;
    }
    memcpy(x->body + x->body_len, bytes, len);
    x->body_len += len;
}

/* Counts a step of many that one turn may consist of. */
static void step(struct http *http)
{
    if (++http->steps % STEPS == 0)
        worker_interlude(http->worker);
}

static enum MHD_Result handle_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                      const char *method, const char *version, const char *upload,
                                      size_t *upload_len, void **context)
{
    struct exchange *x = *context;

    (void)mhd;
    (void)url;
    if (!x)
        return MHD_NO;
    if (!x->begun)
        return begin(x, method, version);
    if (*upload_len) {
        take_body(x, upload, *upload_len);
        *upload_len = 0;
        return MHD_YES;
    }
    if (x->started)
        return MHD_YES;
    enum MHD_Result result = start(x);
    step(cls);
    return result;
}

/* libmicrohttpd's callbacks */

/* The first that is heard of a request: its target before anything is decoded or cut. */
static void *request_line(void *cls, const char *target, struct MHD_Connection *mhd)
{
    struct http *http = cls;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct exchange *x = exchange_new(http);

    if (!x)
        return NULL;
    x->mhd = mhd;
    x->rq.target = arena_text(&x->rq.arena, text_of(target));
    if (info && info->socket_context)
        ((struct connection *)info->socket_context)->pool = (char *)(uintptr_t)target;
    return x;
}

static void leave_rested(struct connection *c)
{
    if (!c->rested_link)
        return;
    *c->rested_link = c->rested_next;
    if (c->rested_next)
        c->rested_next->rested_link = c->rested_link;
    c->rested_link = NULL;
}

static void enter_rested(struct http *http, struct connection *c)
{
    if (c->rested_link)
        return;
    c->rested_next = http->rested;
    c->rested_link = &http->rested;
    if (c->rested_next)
        c->rested_next->rested_link = &c->rested_next;
    http->rested = c;
}

static void request_completed(void *cls, struct MHD_Connection *mhd, void **context,
                              enum MHD_RequestTerminationCode code)
{
    struct http *http = cls;
    struct exchange *x = *context;

    (void)mhd;
    (void)code;
    if (!x)
        return;
    if (x->connection) {
        set_state(x, AWAITS_NOTHING);
        x->connection->since = 0;
        x->connection->ended = http->worker->loop.now;
        x->connection->received = 0;
        if (http->connection_count > MANY)
            enter_rested(http, x->connection);
    }
    *context = NULL;
    exchange_free(http, x);
    step(http);
}

static void connection_changed(void *cls, struct MHD_Connection *mhd, void **context,
                               enum MHD_ConnectionNotificationCode code)
{
    struct http *http = cls;
    struct connection *c = *context;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (!c)
            return;
        http->connection_count--;
        leave_rested(c);
        if (http->swept == c)
            http->swept = c->next;
        *c->link = c->next;
        if (c->next)
            c->next->link = c->link;
        free(c);
        *context = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    c = calloc(1, sizeof(*c));
    if (!c || !info) {
        free(c); /* a connection without a context is refused at its first request */
        return;
    }
    c->fd = info->connect_fd;
    c->since = http->worker->loop.now;
    c->next = http->connections;
    c->link = &http->connections;
    if (c->next)
        c->next->link = &c->next;
    http->connections = c;
    http->connection_count++;
    metric_count(&http->worker->http_metrics->connections_accepted);
    *context = c;
}

/* The raw path is what is routed: nothing is decoded in place. */
static size_t unescape(void *cls, struct MHD_Connection *mhd, char *text)
{
    (void)cls;
    (void)mhd;
    return strlen(text);
}

__attribute__((format(printf, 2, 0))) static void complain(void *cls, const char *format, va_list args)
{
    char message[256];

    (void)cls;
    vsnprintf(message, sizeof(message), format, args);
    log_line(LOG_DEBUG, "libmicrohttpd", "reason", message, NULL);
}

/* The watchdog */

static uint64_t bytes_received(int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return 0;
    return info.tcpi_bytes_received + 1; /* never 0, which means: not looked at */
}

/*
 * libmicrohttpd clears a connection's whole memory after every request, so that each page of it becomes
 * resident. Pages of zeros in private anonymous memory read the same after they are given back to the kernel.
 */
static void trim_pool(const struct http *http, struct connection *c)
{
    static const char zeros[PAGE];
    unsigned char resident[16];
    size_t pages = http->pool_size / PAGE;
    size_t from = 1, to = 1; /* a run of clean pages */

    c->trimmed = true;
    if (!c->pool || pages > sizeof(resident) || mincore(c->pool, http->pool_size, resident) != 0)
        return;
    for (; to <= pages; to++) {
        if (to < pages && (!(resident[to] & 1) || memcmp(c->pool + to * PAGE, zeros, PAGE) == 0))
            continue;
        if (to > from)
            madvise(c->pool + from * PAGE, (to - from) * PAGE, MADV_DONTNEED);
        from = to + 1;
    }
}

/* Whether hardly any connection is in use: the others will not touch their memory again soon. */
static bool is_calm(const struct http *http)
{
    return http->requests * CALM < http->connection_count;
}

/* Of a kept-alive connection, by what has arrived since its last request: libmicrohttpd tells only whole
 * headers. */
static bool is_late_header(const struct http *http, struct connection *c)
{
    int64_t now = http->worker->loop.now;

    if (now - c->ended < REST)
        return false;
    if (!c->trimmed && (is_calm(http) || now - c->ended >= TRIM_AFTER))
        trim_pool(http, c);
    uint64_t received = bytes_received(c->fd);
    if (!c->received)
        c->received = received;
    if (received == c->received)
        return false; /* idle: libmicrohttpd's own timeout holds */
    if (!c->since)
        c->since = now;
    return now - c->since > http->worker->settings->http.header_timeout * MILLISECOND;
}

/* Whether a connection has been waited for long enough. */
static bool is_late(const struct http *http, struct connection *c)
{
    const struct settings *settings = http->worker->settings;
    int64_t age = http->worker->loop.now - c->since;

    if (http->worker->draining && (c->state == AWAITS_HEADER || c->state == AWAITS_NOTHING))
        return http->worker->loop.now - http->draining_since > DRAIN_GRACE;
    switch (c->state) {
    case AWAITS_HEADER:
        return age > settings->http.header_timeout * MILLISECOND;
    case AWAITS_BODY:
        return age > settings->http.body_timeout * MILLISECOND;
    case AWAITS_READER:
        return age > settings->http.write_timeout * MILLISECOND;
    case AWAITS_ANSWER:
        return false; /* has its own deadline */
    case AWAITS_NOTHING:
        break;
    }
    return is_late_header(http, c);
}

static void count_late(const struct http *http, const struct connection *c)
{
    enum http_late awaited = c->state == AWAITS_BODY     ? LATE_BODY
                             : c->state == AWAITS_READER ? LATE_READER
                                                         : LATE_HEADER;

    if (!http->worker->draining)
        metric_count(&http->worker->http_metrics->connections_late[awaited]);
}

/* Thousands that are late together are closed over some time: others have requests meanwhile. */
static void sweep(struct timer *timer)
{
    struct http *http = container_of(timer, struct http, sweep);
    struct connection *c = http->swept ? http->swept : http->connections;

    for (int closed = 0; c && closed < SWEEP_CLOSES; c = c->next) {
        if (!is_late(http, c))
            continue;
        shutdown(c->fd, SHUT_RDWR); /* libmicrohttpd sees the end and cleans up */
        count_late(http, c);
        closed++;
    }
    http->swept = c;
    if (!timer_set(&http->worker->loop, timer, http->worker->loop.now + (c ? SWEEP_ON : SWEEP)))
        log_line(LOG_ERROR, "no memory for a timer", NULL);
}

/* Opening, running, closing */

static void daemon_ready(struct watch *watch, uint32_t events)
{
    (void)events;
    container_of(watch, struct http, watch)->ready = true;
}

bool http_open(struct worker *worker, int listener)
{
    const struct settings *s = worker->settings;
    struct http *http = calloc(1, sizeof(*http));

    if (!http)
        return false;
    worker->http = http;
    http->worker = worker;
    http->pool_size = (((size_t)s->http.header_limit + PAGE - 1) & ~(PAGE - 1)) + POOL_EXTRA;
    http->sweep.fire = sweep;
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, handle_request, http,
        MHD_OPTION_EXTERNAL_LOGGER, complain, NULL, MHD_OPTION_LISTEN_SOCKET, listener,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)(s->http.connection_limit / s->workers),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, http->pool_size, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)(s->http.keepalive_timeout / 1000), MHD_OPTION_URI_LOG_CALLBACK, request_line, http,
        MHD_OPTION_NOTIFY_COMPLETED, request_completed, http, MHD_OPTION_NOTIFY_CONNECTION,
        connection_changed, http, MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_STRICT_FOR_CLIENT,
        0, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        http->daemon ? MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info)
        return false;
    http->watch = (struct watch){.fd = info->epoll_fd, .ready = daemon_ready};
    return loop_watch(&worker->loop, &http->watch, EPOLLIN) &&
           timer_set(&worker->loop, &http->sweep, worker->loop.now + SWEEP);
}

/*
 * With many connections open each one's memory is given back as soon as there is nothing else to do, not
 * after a while: under load it would only be touched again, at several times the cost of the request.
 */
static void trim_rested(struct http *http)
{
    for (int i = 0; http->rested && http->worker->loop.quiet && i < TRIM_AT_ONCE; i++) {
        struct connection *c = http->rested;
        leave_rested(c);
        if (c->state == AWAITS_NOTHING && !c->trimmed)
            trim_pool(http, c);
    }
}

void http_run(struct worker *worker)
{
    struct http *http = worker->http;

    resume_answered(http);
    while (http->ready) {
        http->ready = false;
        MHD_run(http->daemon);
        resume_answered(http);
    }
    trim_rested(http);
    metric_set(&worker->http_metrics->connections, http_connections(worker));
    metric_set(&worker->http_metrics->requests, http_requests(worker));
}

long long http_wait(struct worker *worker)
{
    MHD_UNSIGNED_LONG_LONG milliseconds;

    if (MHD_get_timeout(worker->http->daemon, &milliseconds) != MHD_YES)
        return worker->http->rested ? 0 : SECOND;
    if (milliseconds == 0)
        worker->http->ready = true;
    if (worker->http->rested)
        return 0;
    return milliseconds > 1000 ? SECOND : (long long)milliseconds * MILLISECOND;
}

void http_drain(struct worker *worker)
{
    struct http *http = worker->http;
    int listener = MHD_quiesce_daemon(http->daemon);

    if (listener >= 0)
        close(listener);
    http->draining_since = worker->loop.now;
}

size_t http_requests(const struct worker *worker)
{
    return worker->http->requests;
}

size_t http_connections(const struct worker *worker)
{
    return worker->http->connection_count;
}

void http_close(struct worker *worker)
{
    struct http *http = worker->http;

    if (!http)
        return;
    if (http->daemon) {
        loop_unwatch(&worker->loop, &http->watch);
        MHD_stop_daemon(http->daemon);
    }
    timer_cancel(&worker->loop, &http->sweep);
    while (http->idle) {
        struct exchange *next = http->idle->next;
        arena_free(&http->idle->rq.arena);
        free(http->idle);
        http->idle = next;
    }
    free(http);
    worker->http = NULL;
}
