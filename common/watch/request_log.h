/*
 * The log of requests: one line each, and a second one for each that was slow.
 *
 * A worker collects its lines and writes them at the end of the turn, as far as stderr takes them. The rest
 * waits in a bounded buffer; lines that do not fit are dropped and counted. A line has the route and those
 * parameters of the path that cannot be an address or a token, and never the query.
 */
#ifndef COMMON_WATCH_REQUEST_LOG_H
#define COMMON_WATCH_REQUEST_LOG_H

#include <stdint.h>

#include "common/base/declare.h"

struct loop;
struct request;
struct request_log;

struct watch_settings {
    int64_t slow_request; /* milliseconds */
};

/* Opens the log of a loop's requests; NULL when memory is exhausted. Loop and settings must outlive it. */
struct request_log *request_log_open(const struct loop *loop,
                                     const struct watch_settings *settings) MUST_CHECK;
/* Writes what is left, as far as stderr takes it. NULL is allowed. */
void request_log_close(struct request_log *log);

/* Logs a request whose answer is about to be sent; its duration is known. */
void request_log_add(struct request_log *log, const struct request *rq);

/* Writes the lines of the turn. */
void request_log_flush(struct request_log *log);

#endif
