/* The connections of clients, from accept to close. */
#include "common/http/internal.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#define ANSWER_MAX            256
#define TCP_ESTABLISHED_STATE 1 /* TCP_ESTABLISHED of the kernel's tcp_states.h */

void connection_opened(struct http *http, struct MHD_Connection *mhd, void **context)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct connection *c = info ? calloc(1, sizeof(*c)) : NULL;

    http->accepted++;
    metric_count(&http->metrics->connections_accepted);
    if (!c)
        return; /* a connection without a context is refused at its first request */
    c->mhd = mhd;
    c->fd = info->connect_fd;
    c->since = http->loop->now;
    LIST_INSERT_HEAD(&http->connections, c, all);
    http->connection_count++;
    *context = c;
}

/*
 * libmicrohttpd closes a connection without an answer if its first bytes do not look like HTTP; it leaves the
 * socket open for writing until it has called us (MHD_USE_TURBO). Only for the first request line of a
 * connection is it certain that nothing was answered.
 */
static void answer_no_request(struct connection *c)
{
    static const char form[] = "HTTP/1.1 400 Bad Request\r\nDate: %a, %d %b %Y %H:%M:%S GMT\r\n"
                               "Connection: close\r\nContent-Type: application/json\r\n"
                               "Content-Length: 33\r\n\r\n{\"detail\":\"Invalid request line\"}";
    char answer[ANSWER_MAX];
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);
    time_t now = time(NULL);
    struct tm utc;

    if (c->heard || c->cut || getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return;
    uint64_t end = info.tcpi_state == TCP_ESTABLISHED_STATE ? 0 : 1; /* the client's FIN counts as a byte */
    if (info.tcpi_bytes_received <= end || info.tcpi_bytes_sent)
        return;
    size_t size = strftime(answer, sizeof(answer), form, gmtime_r(&now, &utc));
    c->answered_early = send(c->fd, answer, size, MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
}

/* Whether bytes have arrived that libmicrohttpd has not read: closing would reset the connection. */
static bool has_unread(const struct connection *c)
{
    int unread = 0;

    return ioctl(c->fd, FIONREAD, &unread) == 0 && unread > 0;
}

void connection_closed(struct http *http, void **context)
{
    struct connection *c = *context;

    http->ready = true; /* at a limit, libmicrohttpd accepts again only in its next run */
    if (!c)
        return;
    answer_no_request(c);
    if (!c->cut && (c->answered_early || has_unread(c)))
        linger_start(http, c->fd);
    http->connection_count--;
    pool_uncount(http, c);
    pool_leave_rested(c);
    connection_owes_nothing(c);
    if (http->swept == c)
        http->swept = LIST_NEXT(c, all);
    LIST_REMOVE(c, all);
    free(c);
    *context = NULL;
}

void connection_owes(struct http *http, struct connection *c)
{
    if (!c->owing.le_prev)
        LIST_INSERT_HEAD(&http->owing, c, owing);
}

void connection_owes_nothing(struct connection *c)
{
    if (c->owing.le_prev)
        LIST_REMOVE(c, owing);
    c->owing.le_prev = NULL;
}

/*
 * A client that writes the header and then the body may not send the body before the header is acknowledged
 * (Nagle's algorithm, RFC 9293, section 3.7.4), and the kernel delays that by 40 ms, in the hope that it can
 * go with an answer (section 3.8.6.3).
 */
void connection_ask_for_rest(struct http *http)
{
    static const int on = 1;
    struct connection *c;

    while ((c = LIST_FIRST(&http->owing))) {
        connection_owes_nothing(c);
        (void)setsockopt(c->fd, IPPROTO_TCP, TCP_QUICKACK, &on,
                         sizeof(on)); /* without it, the body is late */
    }
}

void connection_cut(struct connection *c)
{
    c->cut = true;
    shutdown(c->fd, SHUT_RDWR); /* libmicrohttpd sees the end and cleans up */
}

/*
 * A resumed connection counts as readable, and is read before its answer is looked at. Except one with a
 * time-out of its own: libmicrohttpd goes through all of those before it reads anything, 0.9.75 and 1.0.1
 * alike. 1.0.1 ignores a new time-out while a connection is suspended.
 */
static void set_timeout(const struct http *http, struct connection *c, int64_t more)
{
    int64_t seconds = http->settings->keepalive_timeout / 1000 + more;

    if (MHD_set_connection_option(c->mhd, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)seconds) == MHD_YES)
        c->answered_first = more != 0;
}

void connection_answer_first(const struct http *http, struct connection *c)
{
    if (!c->answered_first)
        set_timeout(http, c, 1);
}

void connection_answer_taken(const struct http *http, struct connection *c)
{
    if (c->answered_first)
        set_timeout(http, c, 0);
}

void connection_closes(struct http *http, struct connection *c)
{
    http->ready = true;
    connection_answer_first(http, c);
}
