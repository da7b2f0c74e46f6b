/*
 * HTTP calls to other services, from a loop.
 *
 * A client keeps a few connections alive and never has more calls on their way than connections; others wait,
 * each until its own deadline. Names of hosts are resolved off the loop. Nothing is followed, cached or sent
 * twice, except that a call of which nothing was sent goes out again where the host has other addresses by
 * then, or where a kept-alive connection had been closed meanwhile. Answers are bounded in size and time.
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

/* The client of a loop; what it needs to call is made at its first call. NULL: no memory. The settings must
 * outlive it. */
struct client *client_open(struct loop *loop, const struct client_settings *settings) MUST_CHECK;

/* Cancels the calls that are not done, without `done`. NULL is fine. */
void client_close(struct client *client);

/* Starts a call, whose `done` the loop calls later; false when it cannot be started, and `done` is not
 * called. */
bool client_start(struct client *client, struct client_call *call) MUST_CHECK;

/* Runs a call in a fiber and waits for it; whether a whole answer came. */
bool client_run(struct client *client, struct client_call *call) MUST_CHECK;

/* Adds a header to what is asked; both strings must stay until `done`. One too many spoils the call. */
void client_header(struct client_call *call, const char *name, const char *value);

/* The address of a service without the slashes that it may end with: part of `url`. */
struct text client_base(const char *url);

/* The URL of a segment below a service's path, in the arena; NULL when it is exhausted. */
char *client_url(struct arena *arena, const char *base, const char *path, struct text segment);

/* Adds the headers that every call for a request has: its id and its trace. */
void client_trace(struct client_call *call, struct request *rq);

#endif
