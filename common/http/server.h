/*
 * HTTP with libmicrohttpd: connections in, requests checked and gathered, answers out.
 *
 * One `struct http` per worker, its epoll inside the loop's. What libmicrohttpd lets through is looked at
 * before anything else is done with it: header names and values, lengths and encodings, the target, the
 * limits. A watchdog closes connections whose header, body or reader is late. What a request means is its
 * owner's matter: it is handed over by the hooks, and answered by http_answer (request.h).
 */
#ifndef COMMON_HTTP_SERVER_H
#define COMMON_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/declare.h"
#include "common/http/settings.h"

struct http;
struct http_metrics;
struct loop;

/*
 * Starts to serve a listening socket, which it then owns, with at most `connections` open ones. Loop,
 * settings and metrics must outlive it. NULL when libmicrohttpd cannot or memory is exhausted.
 */
struct http *http_open(struct loop *loop, const struct http_settings *settings, size_t connections,
                       int listener, struct http_metrics *metrics, const struct http_hooks *hooks) MUST_CHECK;

/* Lets libmicrohttpd work; called once per turn. */
void http_run(struct http *http);

/* How long the loop may wait at most, in nanoseconds. */
int64_t http_wait(struct http *http);

/* Accepts no more; answers close their connections, and kept-alive ones are closed when they are idle. */
void http_drain(struct http *http);

/* Requests in flight, and open connections. */
size_t http_requests(const struct http *http);
size_t http_connections(const struct http *http);

/* Closes everything; nothing may be in flight. */
void http_close(struct http *http);

/* The library's version, as it calls itself. */
const char *http_library_version(void);

#endif
