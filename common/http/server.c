#include "common/http/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/http/internal.h"

#define STEPS         8 /* requests begun or ended, about 100 us, before the rest of the worker gets a turn */
#define COMPLAINT_MAX 256 /* bytes of a message of libmicrohttpd */

const char *http_library_version(void)
{
    return MHD_get_version();
}

/* Counts one step of a turn; lets the rest of the worker run after every STEPS. */
static void step(struct http *http)
{
    if (++http->steps % STEPS == 0)
        http->hooks.on_step(http->hooks.worker);
}

/* libmicrohttpd's callbacks */

/*
 * Called as soon as the request line is read. libmicrohttpd would note each argument of the query in the
 * connection's memory, which a few hundred of them fill; it finds none, because the query is copied and cut
 * off here.
 */
static void *request_line(void *cls, const char *target, struct MHD_Connection *mhd)
{
    char *raw = (char *)(uintptr_t)target;
    struct exchange *x = exchange_new(cls, mhd, raw);
    char *mark = raw ? strchr(raw, '?') : NULL;

    if (mark)
        mark[1] = '\0';
    return x;
}

static enum MHD_Result handle_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                      const char *method, const char *version, const char *upload,
                                      size_t *upload_len, void **context)
{
    struct exchange *x = *context;
    size_t len = *upload_len;

    (void)mhd;
    (void)url;
    if (!x)
        return MHD_NO;
    if (!x->begun)
        return exchange_begin(x, method, version);
    if (len) {
        *upload_len = 0;
        return exchange_take(x, upload, len);
    }
    enum MHD_Result result = exchange_start(x);
    step(cls);
    return result;
}

static void request_completed(void *cls, struct MHD_Connection *mhd, void **context,
                              enum MHD_RequestTerminationCode code)
{
    struct exchange *x = *context;

    (void)mhd;
    *context = NULL;
    if (!x)
        return;
    struct connection *c = x->connection;
    exchange_end(x);
    if (c && code != MHD_REQUEST_TERMINATED_COMPLETED_OK)
        connection_closes(cls, c);
    step(cls);
}

static void connection_changed(void *cls, struct MHD_Connection *mhd, void **context,
                               enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_CLOSED)
        connection_closed(cls, context);
    else
        connection_opened(cls, mhd, context);
}

/* The raw path is routed, so nothing is decoded in place. */
static size_t unescape(void *cls, struct MHD_Connection *mhd, char *text)
{
    (void)cls;
    (void)mhd;
    return strlen(text);
}

__attribute__((format(printf, 2, 0))) static void complain(void *cls, const char *format, va_list args)
{
    char message[COMPLAINT_MAX];

    (void)cls;
    vsnprintf(message, sizeof(message), format, args);
    log_line(LOG_DEBUG, "libmicrohttpd", "reason", message, NULL);
}

/* Opening, running, closing */

static void daemon_ready(struct watch *watch, uint32_t events)
{
    (void)events;
    container_of(watch, struct http, watch)->ready = true;
}

/*
 * When strict, 1.0 answers folded lines, lone LFs and spaces in targets with 400 by itself. 0.9 would close
 * the connection without an answer; when not strict, it leaves traces of them that header_scan_take finds.
 */
static int strictness(void)
{
    return MHD_get_version()[0] == '0' ? 0 : 1;
}

static bool start_daemon(struct http *http, size_t connections)
{
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        handle_request, http, MHD_OPTION_EXTERNAL_LOGGER, complain, NULL, MHD_OPTION_LISTEN_SOCKET,
        http->listener, MHD_OPTION_CONNECTION_LIMIT, (unsigned)connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, http->pool_size, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)(http->settings->keepalive_timeout / 1000), MHD_OPTION_URI_LOG_CALLBACK, request_line, http,
        MHD_OPTION_NOTIFY_COMPLETED, request_completed, http, MHD_OPTION_NOTIFY_CONNECTION,
        connection_changed, http, MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_STRICT_FOR_CLIENT,
        strictness(), MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        http->daemon ? MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info)
        return false;
    http->watch = (struct watch){.fd = info->epoll_fd, .ready = daemon_ready};
    return loop_watch(http->loop, &http->watch, EPOLLIN);
}

struct http *http_open(struct loop *loop, const struct http_settings *settings, size_t connections,
                       int listener, struct http_metrics *metrics, const struct http_hooks *hooks)
{
    struct http *http = calloc(1, sizeof(*http));

    if (!http)
        return NULL;
    http->loop = loop;
    http->settings = settings;
    http->metrics = metrics;
    http->hooks = *hooks;
    http->listener = listener;
    http->last_awake = &http->awake;
    pool_plan(http);
    if (getrandom(&http->next_id, sizeof(http->next_id), 0) == sizeof(http->next_id) &&
        start_daemon(http, connections) && watchdog_start(http))
        return http;
    http_close(http);
    return NULL;
}

void http_run(struct http *http)
{
    stream_run(http);
    exchange_resume_answered(http);
    while (http->ready) {
        http->ready = false;
        MHD_run(http->daemon);
        exchange_resume_answered(http);
    }
    connection_ask_for_rest(http);
    pool_trim_rested(http);
    metric_set(&http->metrics->connections, http->connection_count);
    metric_set(&http->metrics->requests, http->requests);
}

int64_t http_wait(struct http *http)
{
    bool idle = LIST_EMPTY(&http->rested) && !http->awake && !http->resumable;
    MHD_UNSIGNED_LONG_LONG milliseconds;

    if (MHD_get_timeout(http->daemon, &milliseconds) != MHD_YES)
        return idle ? SECOND : 0;
    if (milliseconds == 0)
        http->ready = true;
    if (!idle)
        return 0;
    return milliseconds > 1000 ? SECOND : (int64_t)milliseconds * MILLISECOND;
}

void http_drain(struct http *http)
{
    int listener = MHD_quiesce_daemon(http->daemon);

    if (listener >= 0)
        close(listener);
    http->listener = -1;
    http->draining = true;
    http->draining_since = http->loop->now;
}

size_t http_requests(const struct http *http)
{
    return http->requests;
}

size_t http_connections(const struct http *http)
{
    return http->connection_count;
}

void http_close(struct http *http)
{
    if (!http)
        return;
    watchdog_stop(http);
    if (http->watch.ready)
        loop_unwatch(http->loop, &http->watch);
    if (http->daemon)
        MHD_stop_daemon(http->daemon);
    linger_stop_all(http);
    exchange_free_idle(http);
    free(http);
}
