/*
 * The memory that libmicrohttpd keeps for each connection. libmicrohttpd clears all of it after every
 * request, which makes each page resident. Pages of zeros in private anonymous memory read the same after
 * they are given back to the kernel.
 */
#include "common/http/internal.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "common/base/budget.h"

#define POOL_PAGE  ((size_t)4096)
#define POOL_PAGES 64 /* the most that it may have, by the limits of the settings */
#define POOL_MAPPED                                                                                          \
    (9 * POOL_PAGE) /* libmicrohttpd maps a pool larger than 32 KiB and allocates a smaller one */
#define POOL_LINES   (2 * POOL_PAGE) /* bytes for its notes of the header lines, 64 to 72 each */
#define POOL_ANSWER  POOL_PAGE       /* bytes for an answer's header, except a Location */
#define MANY         256 /* connections of a worker from which on saving memory is worth the time */
#define TRIM_AT_ONCE 32  /* connections before the loop looks for events again */
#define CALM         16  /* connections for each request in progress, at least */

void pool_plan(struct http *http)
{
    size_t url = (size_t)http->settings->url_limit;
    size_t size = (size_t)http->settings->header_limit + url + POOL_LINES + url + POOL_ANSWER;

    http->pool_size = (size + POOL_PAGE - 1) & ~(POOL_PAGE - 1);
    if (http->pool_size < POOL_MAPPED)
        http->pool_size = POOL_MAPPED;
    http->pool_budget = http->pool_size - url - POOL_ANSWER;
}

/* How many bytes have arrived, plus one; 0: unknown. */
static uint64_t bytes_received(const struct connection *c)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);

    if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return 0;
    return info.tcpi_bytes_received + 1;
}

/*
 * The first request line of a connection lies at the start of its memory, or after empty lines that the
 * client sent before it: if less than a page has arrived in total, it lies in the first page, whatever the
 * client sent.
 */
void pool_find(const struct http *http, struct connection *c, const char *method)
{
    if (c->begun)
        return;
    c->begun = true;
    uint64_t received = bytes_received(c);
    if (http->pool_size >= POOL_MAPPED && received && received - 1 < POOL_PAGE)
        c->pool = (char *)((uintptr_t)method & ~(uintptr_t)(POOL_PAGE - 1));
}

void pool_count(const struct http *http, struct connection *c)
{
    if (!c->counted)
        budget_add(http->pool_size);
    c->counted = true;
}

void pool_uncount(const struct http *http, struct connection *c)
{
    if (c->counted)
        budget_give(http->pool_size);
    c->counted = false;
}

void pool_trim(const struct http *http, struct connection *c)
{
    static const char zeros[POOL_PAGE];
    unsigned char resident[POOL_PAGES];
    size_t pages = http->pool_size / POOL_PAGE;
    size_t from = 1, to = 1; /* a run of clean pages */

    c->trimmed = true;
    if (!c->pool || pages > POOL_PAGES || mincore(c->pool, http->pool_size, resident) != 0)
        return;
    pool_uncount(http, c);
    for (; to <= pages; to++) {
        if (to < pages && (!(resident[to] & 1) || memcmp(c->pool + to * POOL_PAGE, zeros, POOL_PAGE) == 0))
            continue;
        if (to > from)
            (void)madvise(c->pool + from * POOL_PAGE, (to - from) * POOL_PAGE, MADV_DONTNEED);
        from = to + 1;
    }
}

bool pool_is_calm(const struct http *http)
{
    return http->requests * CALM < http->connection_count;
}

void pool_leave_rested(struct connection *c)
{
    if (c->rested.le_prev)
        LIST_REMOVE(c, rested);
    c->rested.le_prev = NULL;
}

void pool_enter_rested(struct http *http, struct connection *c)
{
    if (!c->rested.le_prev && http->connection_count > MANY)
        LIST_INSERT_HEAD(&http->rested, c, rested);
}

/*
 * With many connections open, the memory of each is given back as soon as there is nothing else to do, and
 * only then: under load it would be touched again at once, at several times the cost of a request.
 */
void pool_trim_rested(struct http *http)
{
    struct connection *c;

    for (int i = 0;
         (c = LIST_FIRST(&http->rested)) && (http->loop->quiet || budget_is_short()) && i < TRIM_AT_ONCE;
         i++) {
        pool_leave_rested(c);
        if (c->state == AWAITS_NOTHING && !c->trimmed)
            pool_trim(http, c);
    }
}
