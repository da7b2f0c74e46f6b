#include "common/http/client.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>

#include "common/base/declare.h"
#include "common/base/fiber.h"
#include "common/base/log.h"
#include "common/base/loop.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"

#define ANSWER_FIRST ((size_t)4096) /* bytes that an answer gets at first */

/* One easy handle: a call on its way, or free. */
struct client_handle {
    struct client_handle *next;
    struct client *client;
    CURL *easy;
    struct curl_slist *headers;
    struct client_call *call;
};

/* One of libcurl's sockets in our loop. */
struct client_socket {
    struct watch watch;
    struct client *client;
};

struct client {
    struct worker *worker;
    CURLM *multi;
    struct timer timer; /* libcurl's */
    struct timer queue_timer;
    struct client_handle *handles;
    struct client_handle *idle;
    struct client_call *head, **tail; /* calls that wait for a handle */
};

static void finish(struct client_call *call)
{
    if (call->fiber)
        fiber_resume(call->fiber);
    else
        call->done(call);
}

/* libcurl's callbacks for an answer */

static size_t take_body(char *bytes, size_t size, size_t count, void *cls)
{
    struct client_call *call = cls;
    size_t len = size * count;

    if (len > call->answer_limit - call->answer.len)
        return 0; /* ends the call */
    if (call->answer.len + len > call->answer_size) {
        size_t room = call->answer_size ? call->answer_size * 2 : ANSWER_FIRST;
        while (room < call->answer.len + len)
            room *= 2;
        char *grown = arena_grow(call->arena, (void *)(uintptr_t)call->answer.at, call->answer_size, room);
        if (!grown)
            return 0;
        call->answer.at = grown;
        call->answer_size = room;
    }
    memcpy((char *)(uintptr_t)call->answer.at + call->answer.len, bytes, len);
    call->answer.len += len;
    return len;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *cls)
{
    struct client_call *call = cls;
    struct text line = {bytes, size * count};
    const char *colon = memchr(line.at, ':', line.len);

    for (size_t i = 0; colon && call->wanted && call->wanted[i] && call->kept_count < CLIENT_HEADERS_MAX;
         i++) {
        struct text name = {line.at, (size_t)(colon - line.at)};
        if (!text_equal_folded(name, text_of(call->wanted[i])))
            continue;
        char *value =
            arena_string(call->arena, text_trimmed((struct text){colon + 1, line.len - name.len - 1}));
        if (!value)
            return 0;
        call->kept[call->kept_count++] = (struct header){call->wanted[i], value};
    }
    return line.len;
}

/* Starting */

static bool set_headers(struct client_handle *h, const struct client_call *call)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:"); /* bodies are small: no 100-continue */

    for (size_t i = 0; list && i < call->header_count; i++) {
        char *line = arena_printf(call->arena, "%s: %s", call->headers[i].name, call->headers[i].value);
        struct curl_slist *longer = line ? curl_slist_append(list, line) : NULL;
        if (!longer)
            curl_slist_free_all(list);
        list = longer;
    }
    h->headers = list;
    return list != NULL;
}

static bool set_options(struct client_handle *h, struct client_call *call, long milliseconds)
{
    const struct settings *s = h->client->worker->settings;
    long connect = (long)(call->connect_timeout ? call->connect_timeout : s->client.connect_timeout);
    CURLcode code = CURLE_OK;

    curl_easy_reset(h->easy);
    if (!set_headers(h, call))
        return false;
#define SET(option, value) code = code ? code : curl_easy_setopt(h->easy, option, value)
    SET(CURLOPT_URL, call->url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_CONNECTTIMEOUT_MS, connect < milliseconds ? connect : milliseconds);
    SET(CURLOPT_TIMEOUT_MS, milliseconds);
    SET(CURLOPT_HTTPHEADER, h->headers);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, call);
    SET(CURLOPT_HEADERFUNCTION, take_header);
    SET(CURLOPT_HEADERDATA, call);
    SET(CURLOPT_PRIVATE, h);
    SET(CURLOPT_CUSTOMREQUEST, call->method);
    if (call->ca_file)
        SET(CURLOPT_CAINFO, call->ca_file);
    if (strcmp(call->method, "HEAD") == 0)
        SET(CURLOPT_NOBODY, 1L);
    if (call->body.at) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
        SET(CURLOPT_POSTFIELDS, call->body.at);
    }
#undef SET
    return code == CURLE_OK;
}

static void release(struct client_handle *h)
{
    curl_slist_free_all(h->headers);
    h->headers = NULL;
    h->call = NULL;
    h->next = h->client->idle;
    h->client->idle = h;
}

/* False: the call cannot even be started. */
static bool launch(struct client *client, struct client_call *call)
{
    struct client_handle *h = client->idle;
    int64_t left = call->deadline - client->worker->loop.now;

    if (left < MILLISECOND)
        return false;
    client->idle = h->next;
    if (set_options(h, call, (long)(left / MILLISECOND)) &&
        curl_multi_add_handle(client->multi, h->easy) == CURLM_OK) {
        h->call = call;
        call->handle = h;
        return true;
    }
    release(h);
    return false;
}

static struct client_call *dequeue(struct client *client)
{
    struct client_call *call = client->head;

    client->head = call->next;
    if (!client->head)
        client->tail = &client->head;
    return call;
}

static void expire_queue(struct timer *timer)
{
    struct client *client = container_of(timer, struct client, queue_timer);

    while (client->head && client->head->deadline <= client->worker->loop.now)
        finish(dequeue(client));
    if (client->head && !timer_set(&client->worker->loop, timer, client->head->deadline))
        log_line(LOG_ERROR, "no memory for a timer", NULL);
}

/* A call that never left the loop's hands ends in the next turn, as `done` must not come before the start
 * returns. */
static void enqueue(struct client *client, struct client_call *call)
{
    call->next = NULL;
    if (!client->head && !timer_set(&client->worker->loop, &client->queue_timer, call->deadline))
        log_line(LOG_ERROR, "no memory for a timer", NULL);
    *client->tail = call;
    client->tail = &call->next;
}

void client_header(struct client_call *call, const char *name, const char *value)
{
    if (call->header_count < CLIENT_HEADERS_MAX)
        call->headers[call->header_count++] = (struct header){name, value};
}

struct text client_base(const char *url)
{
    struct text base = text_of(url);

    while (base.len && base.at[base.len - 1] == '/')
        base.len--;
    return base;
}

char *client_url(struct request *rq, const char *base, const char *path, struct text segment)
{
    struct writer w = writer_start(&rq->arena);

    write_text(&w, client_base(base));
    write_text(&w, text_of(path));
    write_url(&w, segment, "");
    write_char(&w, '\0');
    return w.failed ? NULL : w.at;
}

void client_trace(struct client_call *call, struct request *rq)
{
    char *id = arena_string(&rq->arena, rq->id);
    char *trace = rq->headers.traceparent.at ? arena_string(&rq->arena, rq->headers.traceparent) : NULL;

    if (id)
        client_header(call, "X-Request-ID", id);
    if (trace)
        client_header(call, "traceparent", trace);
}

/* libcurl in the loop */

static void collect(struct client *client)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(client->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct client_handle *h = NULL;
        long status = 0;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &h);
        curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        struct client_call *call = h->call;
        curl_multi_remove_handle(client->multi, h->easy);
        release(h);
        call->handle = NULL;
        call->status = code == CURLE_OK ? (int)status : 0;
        if (code != CURLE_OK)
            log_line(LOG_WARNING, "a call to another service failed", "reason", curl_easy_strerror(code),
                     NULL);
        while (client->head && client->idle) {
            struct client_call *next = dequeue(client);
            if (!launch(client, next))
                finish(next);
        }
        finish(call);
    }
}

static void act(struct client *client, curl_socket_t fd, int events)
{
    int running;

    if (curl_multi_socket_action(client->multi, fd, events, &running) != CURLM_OK)
        log_line(LOG_ERROR, "libcurl did not act", NULL);
    collect(client);
}

static void socket_ready(struct watch *watch, uint32_t events)
{
    struct client_socket *s = container_of(watch, struct client_socket, watch);

    act(s->client, watch->fd,
        (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
            (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0));
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *cls, void *known)
{
    struct client *client = cls;
    struct client_socket *s = known;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (s) {
            loop_unwatch(&client->worker->loop, &s->watch);
            free(s);
        }
        return 0;
    }
    if (!s) {
        s = calloc(1, sizeof(*s));
        if (!s)
            return -1;
        *s = (struct client_socket){.watch = {.fd = fd, .ready = socket_ready}, .client = client};
        curl_multi_assign(client->multi, fd, s);
    }
    uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    return loop_watch(&client->worker->loop, &s->watch, events) ? 0 : -1;
}

static void timer_due(struct timer *timer)
{
    struct client *client = container_of(timer, struct client, timer);

    act(client, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long milliseconds, void *cls)
{
    struct client *client = cls;
    struct loop *loop = &client->worker->loop;

    (void)multi;
    if (milliseconds < 0) {
        timer_cancel(loop, &client->timer);
        return 0;
    }
    return timer_set(loop, &client->timer, loop->now + milliseconds * MILLISECOND) ? 0 : -1;
}

/* Opening and closing */

/* The first call opens the client: a service that calls nobody does not pay for it. */
static bool client_open(struct worker *worker)
{
    size_t count = (size_t)worker->settings->client.connections;
    struct client *client = calloc(1, sizeof(*client));

    if (!client)
        return false;
    worker->client = client;
    *client = (struct client){.worker = worker, .multi = curl_multi_init()};
    client->tail = &client->head;
    client->timer.fire = timer_due;
    client->queue_timer.fire = expire_queue;
    client->handles = calloc(count, sizeof(*client->handles));
    if (!client->multi || !client->handles)
        return false;
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)count);
    for (size_t i = 0; i < count; i++) {
        client->handles[i].client = client;
        client->handles[i].easy = curl_easy_init();
        if (!client->handles[i].easy)
            return false;
        release(&client->handles[i]);
    }
    return true;
}

void client_close(struct worker *worker)
{
    struct client *client = worker->client;

    if (!client)
        return;
    for (size_t i = 0; client->handles && i < (size_t)worker->settings->client.connections; i++) {
        struct client_handle *h = &client->handles[i];
        if (h->call)
            curl_multi_remove_handle(client->multi, h->easy);
        curl_slist_free_all(h->headers);
        curl_easy_cleanup(h->easy);
    }
    curl_multi_cleanup(client->multi);
    timer_cancel(&worker->loop, &client->timer);
    timer_cancel(&worker->loop, &client->queue_timer);
    free(client->handles);
    free(client);
    worker->client = NULL;
}

/* Calls */

bool client_start(struct worker *worker, struct client_call *call)
{
    call->status = 0;
    if (!worker->client && !client_open(worker)) {
        client_close(worker);
        return false;
    }
    struct client *client = worker->client;
    if (client->idle)
        return launch(client, call);
    enqueue(client, call);
    return true;
}

bool client_run(struct request *rq, struct client_call *call)
{
    call->fiber = fiber_current();
    if (!client_start(rq->worker, call))
        return false;
    int64_t since = rq->loop->now;
    fiber_wait();
    rq->timing.lookup += rq->loop->now - since;
    return call->status != 0;
}
