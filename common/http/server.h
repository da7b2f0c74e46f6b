/*
 * HTTP with libmicrohttpd: takes connections, checks and collects requests, sends answers.
 *
 * One `struct http` per worker, its epoll inside the loop's. What libmicrohttpd lets through is checked
 * before anything else is done with it: header names and values, lengths and encodings, the target, the
 * limits. A watchdog closes connections whose header, body or reader is late. This room does not know what a
 * request means: it hands requests to the hooks, which answer them with http_answer (request.h).
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
 * Starts to serve a listening socket, which it then owns, with at most `connections` open connections. Loop,
 * settings and metrics must outlive it. NULL if libmicrohttpd fails or memory is exhausted.
 */
struct http *http_open(struct loop *loop, const struct http_settings *settings, size_t connections,
                       int listener, struct http_metrics *metrics, const struct http_hooks *hooks) MUST_CHECK;

/* Runs libmicrohttpd; called once per turn. */
void http_run(struct http *http);

/* The longest time that the loop may wait, in nanoseconds. */
int64_t http_wait(struct http *http);

/*
 * Stops accepting; answers close their connections, and kept-alive connections are closed when they are idle.
 */
void http_drain(struct http *http);

/* Requests in flight, and open connections. */
size_t http_requests(const struct http *http);
size_t http_connections(const struct http *http);

/* Closes everything; nothing may be in flight. */
void http_close(struct http *http);

/* The version of libmicrohttpd, as it reports it. */
const char *http_library_version(void);

#endif
