/*
 * HTTP with libmicrohttpd: connections in, requests checked and gathered, answers out.
 *
 * One daemon a worker, its epoll inside the worker's. What libmicrohttpd lets through is looked at before
 * anything else is done with it: header names and values, lengths and encodings, the target, the limits. A
 * watchdog closes connections whose header, body or reader is late.
 */
#ifndef COMMON_HTTP_SERVER_H
#define COMMON_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct worker;

struct http_settings {
    int64_t body_limit, header_limit, url_limit; /* bytes */
    int64_t connection_limit;                    /* open connections of the process */
    int64_t header_timeout, body_timeout, write_timeout, keepalive_timeout; /* milliseconds */
    bool server_timing;
    const char *cors_origins; /* separated by commas */
};

/* Starts to serve a listening socket, which the worker then owns; false when libmicrohttpd cannot. */
bool http_open(struct worker *worker, int listener);

/* Lets libmicrohttpd work; called once a turn. */
void http_run(struct worker *worker);

/* How long the loop may wait at the most, in nanoseconds. */
long long http_wait(struct worker *worker);

/* Accepts no more; kept-alive connections are closed when they are idle. */
void http_drain(struct worker *worker);

/* Requests in flight, and open connections. */
size_t http_requests(const struct worker *worker);
size_t http_connections(const struct worker *worker);

/* Closes everything; nothing may be in flight. */
void http_close(struct worker *worker);

/* The library's version, as it calls itself. */
const char *http_library_version(void);

#endif
