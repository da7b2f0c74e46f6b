#include "common/pg/connection.h"

#include <libpq-fe.h>
#include <sys/epoll.h>

void link_close(struct link *link)
{
    if (link->state == LINK_DOWN)
        return;
    hosts_forget(&link->hosts);
    loop_unwatch(link->loop, &link->watch);
    PQfinish(link->pq);
    link->pq = NULL;
    link->turn += !link->proven;
    link->proven = false;
    link->state = LINK_DOWN;
    link->outgoing = false;
    arena_free(&link->scratch);
    link->prepared_count = 0;
}

bool link_write(struct link *link)
{
    int left = PQflush(link->pq);

    if (left < 0)
        return false;
    link->outgoing = left > 0;
    return loop_watch(link->loop, &link->watch, EPOLLIN | (link->outgoing ? EPOLLOUT : 0));
}
