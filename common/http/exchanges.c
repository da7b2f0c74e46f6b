/*
 * The exchanges of a server: created, kept for later requests, and suspended until there is something to
 * send.
 */
#include "common/http/internal.h"

#include <stdlib.h>
#include <string.h>

#define EXCHANGES_MAX 256 /* the most unused ones that are kept, with their first memory */

struct exchange *exchange_new(struct http *http, struct MHD_Connection *mhd, char *target)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct connection *c = info ? info->socket_context : NULL;
    struct exchange *x = http->idle;

    if (c)
        c->heard = true;
    if (x) {
        http->idle = x->next;
        http->idle_count--;
        struct arena arena = x->rq.arena;
        memset(x, 0, sizeof(*x));
        x->rq.arena = arena;
        x->rq.arena.always = false;
    } else {
        x = calloc(1, sizeof(*x));
        if (!x)
            return NULL;
    }
    x->http = http;
    x->mhd = mhd;
    x->raw_target = target;
    x->rq.loop = http->loop;
    x->rq.worker = http->hooks.worker;
    x->rq.started = http->loop->now;
    x->rq.target = arena_text(&x->rq.arena, text_of(target));
    http->requests++;
    return x;
}

void exchange_free(struct exchange *x)
{
    struct http *http = x->http;

    http->requests--;
    body_free(x);
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

void exchange_free_idle(struct http *http)
{
    while (http->idle) {
        struct exchange *next = http->idle->next;
        arena_free(&http->idle->rq.arena);
        free(http->idle);
        http->idle = next;
    }
    http->idle_count = 0;
}

void exchange_set_state(struct exchange *x, enum connection_state state)
{
    x->connection->state = state;
    exchange_renew(x);
}

void exchange_renew(struct exchange *x)
{
    x->connection->since = x->http->loop->now;
    x->connection->acknowledged = 0;
}

void exchange_suspend(struct exchange *x)
{
    exchange_set_state(x, AWAITS_ANSWER);
    x->suspended = true;
    MHD_suspend_connection(x->mhd);
}

void exchange_wake_connection(struct exchange *x)
{
    if (!x->suspended || x->resuming)
        return;
    x->resuming = true;
    x->next = x->http->resumable;
    x->http->resumable = x;
}
