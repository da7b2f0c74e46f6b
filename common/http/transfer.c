#include "common/http/transfer.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/base/budget.h"
#include "common/base/log.h"
#include "common/http/client_call.h"

#define ANSWER_FIRST ((size_t)4096) /* bytes allocated at first for an answer */
/* Bytes of an entry for libcurl's table of names. */
#define TARGET_MAX (64 + RESOLVER_ADDRESSES * (RESOLVER_ADDRESS_MAX + 3))

/* One easy handle: with a call in progress, or free. */
struct transfer {
    struct transfer *next;
    struct transfers *all;
    CURL *easy;
    struct curl_slist *headers;
    struct curl_slist *names;  /* CURLOPT_RESOLVE */
    struct curl_slist *target; /* CURLOPT_CONNECT_TO */
    struct client_call *call;
    bool stranded; /* libcurl has failed, and the call ends with it */
};

/* One of libcurl's sockets in our loop. */
struct curl_socket {
    struct watch watch; /* first */
    struct transfers *transfers;
};

struct transfers {
    struct loop *loop;
    CURLM *multi;
    struct timer timer; /* libcurl's */
    void (*ended)(struct client_call *call, enum transfer_end how);
    struct transfer *idle;
    size_t most;  /* connections */
    size_t count; /* transfers that are open */
    struct transfer list[];
};

/* libcurl's callbacks for an answer */

static size_t take_body(char *bytes, size_t size, size_t count, void *cls)
{
    struct client_call *call = cls;
    size_t len = size * count;

    if (len > call->answer_limit - call->answer.len) {
        call->too_large = true;
        return 0; /* ends the call */
    }
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

/* Beginning */

static bool append(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = line ? curl_slist_append(*list, line) : NULL;

    if (longer)
        *list = longer;
    return longer != NULL;
}

static bool set_headers(struct transfer *t, const struct client_call *call)
{
    bool set = append(&t->headers, "Expect:"); /* bodies are small: no 100-continue */

    for (size_t i = 0; set && i < call->header_count; i++) {
        const struct header *h = &call->headers[i];
        const char *colon = *h->value ? ": " : ";"; /* libcurl would leave out `Name: ` */
        set = append(&t->headers, arena_printf(call->arena, "%s%s%s", h->name, colon, h->value));
    }
    return set;
}

static bool port_of(const char *url, char port[static 8])
{
    CURLU *parts = curl_url();
    char *text = NULL;
    bool found = parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                 curl_url_get(parts, CURLUPART_PORT, &text, CURLU_DEFAULT_PORT) == CURLUE_OK;

    if (found)
        snprintf(port, 8, "%s", text);
    curl_free(text);
    curl_url_cleanup(parts);
    return found;
}

/*
 * Makes libcurl connect to a name that we define for these addresses, while Host, SNI and the certificate
 * remain those of the URL's host: libcurl looks nothing up, and does not reuse a connection to other
 * addresses. The plus lets the entry expire from libcurl's table after a minute.
 */
static bool set_target(struct transfer *t, const struct client_call *call)
{
    const struct addresses *addresses = &call->addresses;
    char port[8], entry[TARGET_MAX], target[64];

    if (!addresses->count)
        return true;
    if (!port_of(call->url, port))
        return false;
    int len = snprintf(entry, sizeof(entry), "+addresses-%u:%s:", addresses->version, port);
    for (size_t i = 0; i < addresses->count; i++) {
        bool six = strchr(addresses->text[i], ':') != NULL;
        len += snprintf(entry + len, sizeof(entry) - (size_t)len, "%s%s%s%s", i ? "," : "", six ? "[" : "",
                        addresses->text[i], six ? "]" : "");
    }
    snprintf(target, sizeof(target), "::addresses-%u:%s", addresses->version, port);
    return append(&t->names, entry) && append(&t->target, target);
}

static bool set_options(struct transfer *t, struct client_call *call, long milliseconds, long connect)
{
    CURLcode code = CURLE_OK;

    curl_easy_reset(t->easy);
    if (!set_headers(t, call) || !set_target(t, call))
        return false;
#define SET(option, value) code = code ? code : curl_easy_setopt(t->easy, option, value)
    SET(CURLOPT_URL, call->url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_RESOLVE, t->names);
    SET(CURLOPT_CONNECT_TO, t->target);
    SET(CURLOPT_CONNECTTIMEOUT_MS, connect < milliseconds ? connect : milliseconds);
    SET(CURLOPT_TIMEOUT_MS, milliseconds);
    SET(CURLOPT_HTTPHEADER, t->headers);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, call);
    SET(CURLOPT_PRIVATE, t);
    SET(CURLOPT_CUSTOMREQUEST, call->method);
    if (call->ca_file)
        SET(CURLOPT_CAINFO, call->ca_file);
    SET(CURLOPT_NOBODY, (long)(strcmp(call->method, "HEAD") == 0));
    SET(CURLOPT_ACCEPT_ENCODING, "identity"); /* decodes what comes compressed nevertheless */
    if (call->body.at) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
        SET(CURLOPT_POSTFIELDS, call->body.at);
    }
#undef SET
    return code == CURLE_OK;
}

static void release(struct transfer *t)
{
    curl_slist_free_all(t->headers);
    curl_slist_free_all(t->names);
    curl_slist_free_all(t->target);
    t->headers = t->names = t->target = NULL;
    t->call = NULL;
    t->stranded = false;
    t->next = t->all->idle;
    t->all->idle = t;
}

bool transfers_idle(const struct transfers *transfers)
{
    return transfers->idle != NULL;
}

bool transfer_begin(struct transfers *transfers, struct client_call *call, int64_t connect)
{
    struct transfer *t = transfers->idle;
    int64_t left = call->deadline - transfers->loop->now;

    if (!t || left < MILLISECOND || !budget_reserve())
        return false;
    transfers->idle = t->next;
    if (set_options(t, call, (long)(left / MILLISECOND), (long)connect) &&
        curl_multi_add_handle(transfers->multi, t->easy) == CURLM_OK) {
        t->call = call;
        call->transfer = t;
        return true;
    }
    release(t);
    return false;
}

/* libcurl in the loop */

/*
 * Keeps the wanted headers of the answer itself, not those of an interim answer before it (RFC 9110, section
 * 15.2) nor trailers. False: no memory.
 */
static bool keep_headers(CURL *easy, struct client_call *call)
{
    for (size_t i = 0; call->wanted && call->wanted[i]; i++) {
        struct curl_header *found;
        for (size_t n = 0; call->kept_count < CLIENT_HEADERS_MAX &&
                           curl_easy_header(easy, call->wanted[i], n, CURLH_HEADER, -1, &found) == CURLHE_OK;
             n++) {
            const char *value = arena_string(call->arena, text_of(found->value));
            if (!value)
                return false;
            call->kept[call->kept_count++] = (struct header){call->wanted[i], value};
        }
    }
    return true;
}

static enum transfer_end end_of(CURL *easy, CURLcode code, struct client_call *call)
{
    long sent = 0;

    if (code == CURLE_OK && !keep_headers(easy, call))
        code = CURLE_OUT_OF_MEMORY;
    if (code == CURLE_OK)
        return TRANSFER_ANSWERED;
    log_line(LOG_WARNING, "a call to another service failed", "reason", curl_easy_strerror(code), NULL);
    return curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent) == CURLE_OK && sent == 0 ? TRANSFER_NOT_SENT
                                                                                          : TRANSFER_BROKEN;
}

static void end_call(struct transfer *t, enum transfer_end how, int status)
{
    struct client_call *call = t->call;

    release(t);
    call->transfer = NULL;
    call->status = status;
    t->all->ended(call, how);
}

static void collect(struct transfers *transfers)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(transfers->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct transfer *t = NULL;
        long status = 0;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
        curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        enum transfer_end how = end_of(t->easy, message->data.result, t->call);
        curl_multi_remove_handle(transfers->multi, t->easy);
        end_call(t, how, how == TRANSFER_ANSWERED ? (int)status : 0);
    }
}

static CURLM *open_multi(struct transfers *transfers);

/*
 * A multi handle that could not act once, for want of memory, may never act again: all calls end, and the
 * next ones have a new one. Without memory for that it stays, until it fails again.
 */
static void renew(struct transfers *transfers)
{
    CURLM *multi = open_multi(transfers);

    log_line(LOG_ERROR, "libcurl did not act", "new", multi ? "true" : "false", NULL);
    for (size_t i = 0; i < transfers->count; i++) {
        struct transfer *t = &transfers->list[i];
        t->stranded = t->call != NULL;
        if (t->stranded)
            curl_multi_remove_handle(transfers->multi, t->easy);
    }
    if (multi) {
        curl_multi_cleanup(transfers->multi);
        transfers->multi = multi;
    }
    for (size_t i = 0; i < transfers->count; i++) {
        struct transfer *t = &transfers->list[i];
        if (t->stranded)
            end_call(t, TRANSFER_BROKEN, 0);
    }
}

static void act(struct transfers *transfers, curl_socket_t fd, int events)
{
    int running;

    bool acted = curl_multi_socket_action(transfers->multi, fd, events, &running) == CURLM_OK;
    collect(transfers);
    if (!acted)
        renew(transfers);
}

static void socket_ready(struct watch *watch, uint32_t events)
{
    struct curl_socket *s = (struct curl_socket *)watch;

    act(s->transfers, watch->fd,
        (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
            (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0));
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *cls, void *known)
{
    struct transfers *transfers = cls;
    struct curl_socket *s = known;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (s) {
            loop_unwatch(transfers->loop, &s->watch);
            free(s);
        }
        return 0;
    }
    if (!s) {
        s = calloc(1, sizeof(*s));
        if (!s)
            return -1;
        *s = (struct curl_socket){.watch = {.fd = fd, .ready = socket_ready}, .transfers = transfers};
        curl_multi_assign(transfers->multi, fd, s);
    }
    uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    return loop_watch(transfers->loop, &s->watch, events) ? 0 : -1;
}

static void timer_due(struct timer *timer)
{
    act(container_of(timer, struct transfers, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long milliseconds, void *cls)
{
    struct transfers *transfers = cls;
    struct loop *loop = transfers->loop;

    (void)multi;
    if (milliseconds < 0) {
        timer_cancel(loop, &transfers->timer);
        return 0;
    }
    return timer_set(loop, &transfers->timer, loop->now + milliseconds * MILLISECOND) ? 0 : -1;
}

/* Opening and closing */

static CURLM *open_multi(struct transfers *transfers)
{
    CURLM *multi = curl_multi_init();

    if (!multi)
        return NULL;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, transfers);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, transfers);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)transfers->most);
    return multi;
}

void transfers_prepare_library(void)
{
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, budget_malloc, budget_free, budget_realloc, budget_strdup,
                             budget_calloc) != CURLE_OK)
        log_line(LOG_ERROR, "libcurl cannot start", NULL);
}

struct transfers *transfers_open(struct loop *loop, size_t count,
                                 void (*ended)(struct client_call *call, enum transfer_end how))
{
    struct transfers *transfers = calloc(1, sizeof(*transfers) + count * sizeof(transfers->list[0]));

    if (!transfers)
        return NULL;
    transfers->loop = loop;
    transfers->ended = ended;
    transfers->timer.fire = timer_due;
    transfers->most = count;
    transfers->multi = open_multi(transfers);
    bool opened = transfers->multi != NULL;
    for (; opened && transfers->count < count; transfers->count += opened) {
        struct transfer *t = &transfers->list[transfers->count];
        *t = (struct transfer){.all = transfers, .easy = curl_easy_init()};
        opened = t->easy != NULL;
        if (opened)
            release(t);
    }
    if (opened)
        return transfers;
    transfers_close(transfers);
    return NULL;
}

void transfers_close(struct transfers *transfers)
{
    if (!transfers)
        return;
    for (size_t i = 0; i < transfers->count; i++) {
        struct transfer *t = &transfers->list[i];
        if (t->call)
            curl_multi_remove_handle(transfers->multi, t->easy);
        curl_slist_free_all(t->headers);
        curl_slist_free_all(t->names);
        curl_slist_free_all(t->target);
        curl_easy_cleanup(t->easy);
    }
    curl_multi_cleanup(transfers->multi);
    timer_cancel(transfers->loop, &transfers->timer);
    free(transfers);
}
