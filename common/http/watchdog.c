/*
 * The watchdog: closes connections whose header, body or reader is late or whose client has left, and idle
 * ones while others wait to be accepted. libmicrohttpd's own timeout restarts with every byte.
 */
#include "common/http/internal.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/log.h"

#define SWEEP        (100 * MILLISECOND) /* between two sweeps over the connections */
#define SWEEP_CLOSES 32                  /* connections, some ms of work, before a sweep is interrupted */
#define SWEEP_ON     (5 * MILLISECOND)   /* until it continues */
#define CLOSE_WAIT   8 /* of the kernel's tcp_states.h: netinet/tcp.h has it, but lacks tcpi_bytes_received */
#define STUCK        2 /* successive sweeps that find clients waiting and none accepted */
#define REST         (50 * MILLISECOND)   /* after an answer, before a connection counts as idle */
#define READER_PART  ((uint64_t)64 << 10) /* bytes that a reader has to take in its time, or the rest */
#define TRIM_AFTER   SECOND /* of idleness while many others are busy: it may touch its memory before */
#define DRAIN_GRACE                                                                                          \
    (200 * MILLISECOND) /* a drained connection may still bring a request that was being sent */

/*
 * Whether the client has closed its side: libmicrohttpd misses an end that arrives together with the last
 * bytes.
 */
static bool has_left(const struct connection *c, const struct tcp_info *info)
{
    char byte;

    return info->tcpi_state == CLOSE_WAIT && recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/*
 * Whether the next header of a kept-alive connection is late, by the bytes that have arrived since its last
 * request: libmicrohttpd reports only complete headers.
 */
static bool is_late_header(const struct http *http, struct connection *c)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);
    int64_t now = http->loop->now;

    if (now - c->ended < REST)
        return false;
    if (!c->trimmed && (pool_is_calm(http) || now - c->ended >= TRIM_AFTER))
        pool_trim(http, c);
    if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return false; /* libmicrohttpd's own timeout applies */
    if (has_left(c, &info))
        return true;
    uint64_t received = info.tcpi_bytes_received + 1;
    if (!c->received)
        c->received = received;
    if (received == c->received)
        return false; /* idle: libmicrohttpd's own timeout applies */
    if (!c->since)
        c->since = now;
    return now - c->since > http->settings->header_timeout * MILLISECOND;
}

/*
 * Whether a reader may go on, by the bytes that it has acknowledged: of an answer that is not streamed
 * (stream.c), libmicrohttpd tells no more than its end. `late`: its time is over, and begins anew if it has
 * taken a READER_PART.
 */
static bool reader_goes_on(const struct http *http, struct connection *c, bool late)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);

    if ((c->acknowledged && !late) || getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return !late;
    uint64_t acknowledged = info.tcpi_bytes_acked + 1;
    if (c->acknowledged && acknowledged - c->acknowledged < READER_PART)
        return false;
    if (c->acknowledged)
        c->since = http->loop->now;
    c->acknowledged = acknowledged;
    return true;
}

/* Whether a connection has exceeded its time. */
static bool is_late(const struct http *http, struct connection *c)
{
    const struct http_settings *settings = http->settings;
    int64_t age = http->loop->now - c->since;

    if (http->draining && (c->state == AWAITS_HEADER || c->state == AWAITS_NOTHING))
        return http->loop->now - http->draining_since > DRAIN_GRACE;
    switch (c->state) {
    case AWAITS_HEADER:
        return age > settings->header_timeout * MILLISECOND;
    case AWAITS_BODY:
        return age > settings->body_timeout * MILLISECOND;
    case AWAITS_READER:
        return !reader_goes_on(http, c, age > settings->write_timeout * MILLISECOND);
    case AWAITS_ANSWER:
        return false; /* has its own deadline */
    case AWAITS_NOTHING:
        break;
    }
    return is_late_header(http, c);
}

/* Counts a late connection; one whose client has left is not late. */
static void count_late(const struct http *http, const struct connection *c)
{
    enum http_late awaited = c->state == AWAITS_BODY     ? LATE_BODY
                             : c->state == AWAITS_READER ? LATE_READER
                                                         : LATE_HEADER;

    if (!http->draining && (c->state != AWAITS_NOTHING || c->since))
        metric_count(&http->metrics->connections_late[awaited]);
}

/* How many clients wait to be accepted: for a listening socket, the kernel reports it in tcpi_unacked. */
static size_t clients_waiting(const struct http *http)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);

    if (http->listener < 0 || getsockopt(http->listener, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return 0;
    return info.tcpi_unacked;
}

/* Since when a connection has been idle: without a byte of the next request, or of the first one. */
static int64_t idle_since(const struct http *http, const struct connection *c)
{
    int64_t since = c->state == AWAITS_NOTHING && !c->since ? c->ended
                    : c->state == AWAITS_HEADER             ? c->since
                                                            : http->loop->now;

    return since;
}

/* The connections that have been idle for the longest time, the longest first. */
static size_t find_idlest(const struct http *http, struct connection **idlest, size_t wanted)
{
    size_t count = 0;
    struct connection *c;

    LIST_FOREACH(c, &http->connections, all)
    {
        int64_t since = idle_since(http, c);
        if (http->loop->now - since < REST || c->cut ||
            (count == wanted && since >= idle_since(http, idlest[count - 1])))
            continue;
        size_t at = count < wanted ? count++ : count - 1;
        for (; at > 0 && since < idle_since(http, idlest[at - 1]); at--)
            idlest[at] = idlest[at - 1];
        idlest[at] = c;
    }
    return count;
}

/*
 * If clients wait and none is accepted, connections or descriptors are used up: closes idle connections.
 * Returns how many.
 */
static size_t make_way(struct http *http)
{
    struct connection *idlest[SWEEP_CLOSES];
    bool accepts = http->accepted != http->accepted_before;
    size_t wanted = accepts ? 0 : clients_waiting(http);

    http->accepted_before = http->accepted;
    http->stuck = wanted ? http->stuck + 1 : 0;
    if (http->stuck < STUCK)
        return 0; /* a single long turn looks the same */
    size_t count = find_idlest(http, idlest, wanted < SWEEP_CLOSES ? wanted : SWEEP_CLOSES);
    for (size_t i = 0; i < count; i++)
        connection_cut(idlest[i]);
    metric_add(&http->metrics->connections_given_way, count);
    return count;
}

/*
 * Thousands of late connections are closed a few at a time, so that requests of others are served meanwhile.
 */
static void sweep(struct timer *timer)
{
    struct http *http = container_of(timer, struct http, sweep);
    struct connection *c = http->swept ? http->swept : LIST_FIRST(&http->connections);
    size_t closed = http->swept ? 0 : make_way(http);

    for (; c && closed < SWEEP_CLOSES; c = LIST_NEXT(c, all)) {
        if (c->state == AWAITS_READER)
            connection_answer_taken(http, c); /* a slow reader's need not be looked at in each turn */
        if (c->cut || !is_late(http, c))
            continue;
        count_late(http, c);
        connection_cut(c);
        closed++;
    }
    http->swept = c;
    if (!timer_set(http->loop, timer, http->loop->now + (closed == SWEEP_CLOSES ? SWEEP_ON : SWEEP)))
        log_line(LOG_ERROR, "no memory for a timer", NULL);
}

bool watchdog_start(struct http *http)
{
    http->sweep.fire = sweep;
    return timer_set(http->loop, &http->sweep, http->loop->now + SWEEP);
}

void watchdog_stop(struct http *http)
{
    timer_cancel(http->loop, &http->sweep);
}
