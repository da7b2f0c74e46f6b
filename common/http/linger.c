/*
 * What happens after an answer to a client that is still sending. Closing the socket then resets the
 * connection, and the client may lose the answer (RFC 9112, section 9.6): so whatever still arrives is read
 * and discarded for a while.
 */
#include "common/http/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINGER_TIME  (2 * SECOND)
#define LINGER_BYTES ((size_t)64 << 20)
#define LINGER_PART  ((size_t)1 << 20) /* bytes that one turn discards */
#define LINGERS_MAX  256               /* per worker; beyond that sockets are closed at once */

struct lingering {
    struct watch watch;
    struct timer end;
    struct http *http;
    LIST_ENTRY(lingering) all;
    size_t left;
};

static void linger_stop(struct lingering *l)
{
    LIST_REMOVE(l, all);
    l->http->lingering_count--;
    timer_cancel(l->http->loop, &l->end);
    loop_unwatch(l->http->loop, &l->watch);
    close(l->watch.fd);
    free(l);
}

static void linger_late(struct timer *timer)
{
    linger_stop(container_of(timer, struct lingering, end));
}

/* MSG_TRUNC discards the bytes in the kernel (tcp(7)). */
static void linger_ready(struct watch *watch, uint32_t events)
{
    struct lingering *l = container_of(watch, struct lingering, watch);
    size_t part = l->left < LINGER_PART ? l->left : LINGER_PART;
    ssize_t passed = recv(watch->fd, NULL, part, MSG_TRUNC | MSG_DONTWAIT);

    (void)events;
    if (passed < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (passed > 0)
        l->left -= (size_t)passed;
    if (passed <= 0 || !l->left)
        linger_stop(l);
}

void linger_start(struct http *http, int fd)
{
    struct lingering *l = http->lingering_count < LINGERS_MAX ? calloc(1, sizeof(*l)) : NULL;

    shutdown(fd, SHUT_WR);
    if (!l)
        return;
    l->http = http;
    l->left = LINGER_BYTES;
    l->end.fire = linger_late;
    l->watch = (struct watch){.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0), .ready = linger_ready};
    if (l->watch.fd < 0 || !loop_watch(http->loop, &l->watch, EPOLLIN)) {
        if (l->watch.fd >= 0)
            close(l->watch.fd);
        free(l);
        return;
    }
    LIST_INSERT_HEAD(&http->lingering, l, all);
    http->lingering_count++;
    if (!timer_set(http->loop, &l->end, http->loop->now + LINGER_TIME))
        linger_stop(l);
}

void linger_stop_all(struct http *http)
{
    struct lingering *next;

    for (struct lingering *l = LIST_FIRST(&http->lingering); l; l = next) {
        next = LIST_NEXT(l, all);
        linger_stop(l);
    }
}
