/*
 * The log of requests: a line each, and one more for each that was slow.
 *
 * A worker gathers its lines and writes them at the end of the turn, as far as stderr takes them; what it
 * does not take waits in a bounded buffer, and beyond that lines are left out and counted. A line names the
 * route and, of the path, those parameters that cannot be an address or a token; the query is never in it.
 */
#ifndef COMMON_WATCH_REQUEST_LOG_H
#define COMMON_WATCH_REQUEST_LOG_H

#include <stdbool.h>
#include <stdint.h>

struct request;
struct worker;

struct watch_settings {
    int64_t slow_request; /* milliseconds */
};

/* Opens the log of a worker; false when memory is exhausted. */
bool request_log_open(struct worker *worker);
/* Writes what is left, as far as it goes. */
void request_log_close(struct worker *worker);

/* Logs a request whose answer is about to leave; its duration is known. */
void request_log_add(const struct request *rq);

/* Writes what the turn has gathered. */
void request_log_flush(struct worker *worker);

#endif
