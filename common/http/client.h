/*
 * HTTP calls to other services, over libcurl in the worker's own loop.
 *
 * A worker keeps a few connections alive and never has more calls on their way than connections; what is more
 * waits in a queue of its own until its deadline. Nothing is followed, cached or retried, save what libcurl
 * sends again because a kept-alive connection had been closed meanwhile. Answers are bounded in size and
 * time.
 */
#ifndef COMMON_HTTP_CLIENT_H
#define COMMON_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/text.h"
#include "common/http/request.h"

#define CLIENT_HEADERS_MAX 8 /* of a request or of an answer that are kept */

struct worker;

struct client_settings {
    int64_t connections;     /* to other services, a worker */
    int64_t connect_timeout; /* milliseconds */
};

struct client_call {
    /* What is asked. Everything must stay until `done`. */
    struct arena *arena; /* the answer is kept here */
    const char *method;
    const char *url;
    struct text body; /* null: none */
    struct header headers[CLIENT_HEADERS_MAX];
    size_t header_count;
    const char *const *wanted; /* names of the answer's headers that are kept, ended by NULL; or NULL */
    size_t answer_limit;       /* bytes of the answer's body */
    int64_t connect_timeout;   /* milliseconds; 0: the setting LOOKUP_CONNECT_TIMEOUT_MS */
    const char *ca_file;       /* certificates that an https server may be signed by; NULL: the system's */
    int64_t deadline;          /* monotonic, nanoseconds */
    void (*done)(struct client_call *call);

    /* What came of it. */
    int status; /* 0: no whole answer came in time */
    struct text answer;
    struct header kept[CLIENT_HEADERS_MAX];
    size_t kept_count;

    /* client.c's own */
    struct client_call *next;
    struct fiber *fiber;
    struct client_handle *handle;
    size_t answer_size;
};

/* Closes the client of a worker, which its first call opened; calls on their way are broken off. */
void client_close(struct worker *worker);

/* Starts a call, whose `done` the loop calls later; false when it cannot be started, and `done` is not
 * called. */
bool client_start(struct worker *worker, struct client_call *call);

/* Runs a call and waits for it; whether an answer came. */
bool client_run(struct request *rq, struct client_call *call);

/* Adds a header to what is asked; both strings must stay until `done`. */
void client_header(struct client_call *call, const char *name, const char *value);

/* The address of a service without the slashes that it may end with: part of `url`. */
struct text client_base(const char *url);

/* The URL of a segment below a service's path, in the request's memory; NULL when it is exhausted. */
char *client_url(struct request *rq, const char *base, const char *path, struct text segment);

/* Adds what goes along with every call for a request: its id and its trace. */
void client_trace(struct client_call *call, struct request *rq);

#endif
