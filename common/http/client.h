/*
 * HTTP calls to other services, made from a loop.
 *
 * A client keeps a few connections alive and never has more calls in progress than connections; other calls
 * wait, each until its own deadline. Names of hosts are resolved off the loop. Redirects are not followed,
 * and nothing is cached or sent twice, with one exception: a call of which nothing was sent is tried again if
 * the host has other addresses by then, if a kept-alive connection had been closed in the meantime, or if the
 * service answered within the last second and may be restarting.
 * Answers are bounded in size and time.
 */
#ifndef COMMON_HTTP_CLIENT_H
#define COMMON_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/loop.h"
#include "common/base/text.h"
#include "common/http/client_call.h"
#include "common/http/request.h"

#define CLIENT_QUEUE_MAX 4096 /* calls of one client that wait for a connection, and for a name */

struct client;

struct client_settings {
    int64_t connections;     /* to other services, per worker */
    int64_t connect_timeout; /* milliseconds */
};

/* Prepares libcurl for the process and counts its memory from then on; call it before any thread starts. */
void client_prepare_library(void);

/*
 * The client of a loop; it sets up libcurl and the resolver at its first call. NULL: no memory. The settings
 * must outlive it.
 */
struct client *client_open(struct loop *loop, const struct client_settings *settings) MUST_CHECK;

/* Cancels unfinished calls without calling `done`. NULL is allowed. */
void client_close(struct client *client);

/*
 * Starts a call; the loop calls its `done` later. False if it cannot be started; `done` is not called then.
 */
bool client_start(struct client *client, struct client_call *call) MUST_CHECK;

/* Runs a call in a fiber and waits for it; whether a complete answer was received. */
bool client_run(struct client *client, struct client_call *call) MUST_CHECK;

/*
 * Adds a header to the request; both strings must stay valid until `done`. One header too many makes the call
 * fail.
 */
void client_header(struct client_call *call, const char *name, const char *value);

/* Adds the headers that every call for a request has: its id and its trace; in the call's arena. */
void client_trace(struct client_call *call, struct request *rq);

#endif
