#include "common/http/client.h"

#include <stdlib.h>

#include "common/base/fiber.h"
#include "common/http/transfer.h"
#include "common/http/url.h"

#define RESTART_WAIT SECOND        /* from the first refused connection on, a service is waited for */
#define AGAIN_AFTER  (SECOND / 50) /* until another connection is tried */

struct client {
    struct loop *loop;
    const struct client_settings *settings;
    struct transfers *transfers; /* this and the resolver: NULL until the first call */
    struct resolver *resolver;
    struct waiting_queue unresolved; /* calls whose host is being looked up */
    struct waiting_queue unsent;     /* calls that wait for a transfer */
    struct waiting_queue unanswered; /* calls that got no connection, until another is tried */
    int64_t lost;                    /* when that happened first since the last answer; 0: it did not */
};

static void finish(struct client_call *call)
{
    if (call->fiber)
        fiber_resume(call->fiber);
    else
        call->done(call);
}

static int64_t connect_time(const struct client_call *call)
{
    return call->connect_timeout ? call->connect_timeout : call->client->settings->connect_timeout;
}

/* Continues a call whose addresses are known. False: it has ended. */
static bool send_or_queue(struct client_call *call)
{
    struct client *client = call->client;

    if (transfers_idle(client->transfers))
        return transfer_begin(client->transfers, call, connect_time(call));
    return waiting_join(&client->unsent, &call->waiting, call->deadline);
}

/* Looks up the host of a call. False: it has ended. */
static bool resolve(struct client_call *call)
{
    struct client *client = call->client;
    char host[RESOLVER_NAME_MAX + 1];
    unsigned before = call->addresses.version;

    if (!url_host(call->url, host, sizeof(host)))
        return false;
    if (resolver_is_address(host))
        return !call->sent_again && send_or_queue(call);
    if (resolver_ask(client->resolver, host, call->sent_again, &call->question)) {
        if (!call->question.found || call->question.found->version == before)
            return false;
        call->addresses = *call->question.found;
        return send_or_queue(call);
    }
    int64_t until = client->loop->now + connect_time(call) * MILLISECOND;
    if (waiting_join(&client->unresolved, &call->waiting, until < call->deadline ? until : call->deadline))
        return true;
    resolver_withdraw(&call->question);
    return false;
}

/*
 * Lets a call that got no connection wait for another, because a service that restarts takes none for a
 * moment. False: it has ended.
 */
static bool wait_for_restart(struct client_call *call)
{
    struct client *client = call->client;
    int64_t again = client->loop->now + AGAIN_AFTER;

    if (!client->lost)
        client->lost = client->loop->now;
    return again < call->deadline && again < client->lost + RESTART_WAIT &&
           waiting_join(&client->unanswered, &call->waiting, again);
}

static void try_again(struct waiting *waiting)
{
    struct client_call *call = container_of(waiting, struct client_call, waiting);

    call->sent_again = false;
    call->addresses = (struct addresses){.count = 0};
    if (!resolve(call))
        finish(call);
}

static void resolved(struct resolver_question *question)
{
    struct client_call *call = container_of(question, struct client_call, question);
    const struct addresses *found = question->found;

    waiting_leave(&call->waiting);
    bool goes_on = found && found->version != call->addresses.version;
    if (goes_on)
        call->addresses = *found;
    if (goes_on ? !send_or_queue(call) : !wait_for_restart(call))
        finish(call);
}

static void resolved_too_late(struct waiting *waiting)
{
    struct client_call *call = container_of(waiting, struct client_call, waiting);

    resolver_withdraw(&call->question);
    finish(call);
}

static void waited_too_long(struct waiting *waiting)
{
    finish(container_of(waiting, struct client_call, waiting));
}

/* A transfer is free again. */
static void ended(struct client_call *call, enum transfer_end how)
{
    struct client *client = call->client;
    struct waiting *next;
    bool goes_on = false;

    if (call->status)
        client->lost = 0;
    if (how == TRANSFER_NOT_SENT && !call->sent_again) {
        /* The host may have moved: look its name up again. */
        call->sent_again = true;
        goes_on = resolve(call);
    }
    if (how == TRANSFER_NOT_SENT && !goes_on)
        goes_on = wait_for_restart(call);
    while (transfers_idle(client->transfers) && (next = waiting_next(&client->unsent))) {
        struct client_call *waiting = container_of(next, struct client_call, waiting);
        if (!transfer_begin(client->transfers, waiting, connect_time(waiting)))
            finish(waiting);
    }
    if (!goes_on)
        finish(call);
}

/* A service that makes no calls does not pay for libcurl. */
static bool prepare(struct client *client)
{
    if (!client->resolver)
        client->resolver = resolver_open(client->loop);
    if (!client->transfers)
        client->transfers = transfers_open(client->loop, (size_t)client->settings->connections, ended);
    return client->resolver && client->transfers;
}

bool client_start(struct client *client, struct client_call *call)
{
    call->client = client;
    call->status = 0;
    call->sent_again = false;
    call->addresses = (struct addresses){.count = 0};
    call->question.done = resolved;
    return !call->spoiled && prepare(client) && resolve(call);
}

bool client_run(struct client *client, struct client_call *call)
{
    call->fiber = fiber_current();
    if (!client_start(client, call))
        return false;
    fiber_wait();
    return call->status != 0;
}

/* The request */

void client_header(struct client_call *call, const char *name, const char *value)
{
    if (call->header_count < CLIENT_HEADERS_MAX)
        call->headers[call->header_count++] = (struct header){name, value};
    else
        call->spoiled = true;
}

void client_trace(struct client_call *call, struct request *rq)
{
    char *id = arena_string(call->arena, rq->id);
    char *trace = rq->headers.traceparent.at ? arena_string(call->arena, rq->headers.traceparent) : NULL;

    if (id)
        client_header(call, "X-Request-ID", id);
    if (trace)
        client_header(call, "traceparent", trace);
}

/* Opening and closing */

void client_prepare_library(void)
{
    transfers_prepare_library();
}

struct client *client_open(struct loop *loop, const struct client_settings *settings)
{
    struct client *client = calloc(1, sizeof(*client));

    if (!client)
        return NULL;
    client->loop = loop;
    client->settings = settings;
    waiting_open(&client->unresolved, loop, CLIENT_QUEUE_MAX, resolved_too_late);
    waiting_open(&client->unsent, loop, CLIENT_QUEUE_MAX, waited_too_long);
    waiting_open(&client->unanswered, loop, CLIENT_QUEUE_MAX, try_again);
    return client;
}

void client_close(struct client *client)
{
    if (!client)
        return;
    transfers_close(client->transfers);
    resolver_close(client->resolver);
    while (waiting_next(&client->unresolved) || waiting_next(&client->unsent) ||
           waiting_next(&client->unanswered))
        continue;
    free(client);
}
