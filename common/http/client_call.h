/* One HTTP call to another service: its request and its answer. */
#ifndef COMMON_HTTP_CLIENT_CALL_H
#define COMMON_HTTP_CLIENT_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/resolver.h"
#include "common/base/text.h"
#include "common/base/waiting.h"
#include "common/http/request.h"

#define CLIENT_HEADERS_MAX 12 /* of a request; or of an answer, of those that are kept */

struct client;
struct fiber;
struct transfer;

struct client_call {
    /* The request. Everything must stay valid until `done`. */
    struct arena *arena; /* the answer is kept here */
    const char *method;
    const char *url;
    struct text body; /* null: none */
    struct header headers[CLIENT_HEADERS_MAX];
    size_t header_count;
    const char *const *wanted; /* names of the headers to keep of the answer, ended by NULL; or NULL */
    size_t answer_limit;       /* the most bytes of the answer's body */
    int64_t connect_timeout;   /* milliseconds; 0: that of the settings */
    const char *ca_file;       /* authorities to verify an https server by; NULL: the system's */
    int64_t deadline;          /* monotonic, nanoseconds */
    void (*done)(struct client_call *call);

    /* The answer. */
    int status;     /* 0: no complete answer in time */
    bool too_large; /* the reason: its body is larger than answer_limit */
    struct text answer;
    struct header kept[CLIENT_HEADERS_MAX];
    size_t kept_count;

    /* client.c's own */
    bool spoiled;                      /* it was given more headers than there is room for */
    bool sent_again;                   /* to addresses that were looked up again */
    struct waiting waiting;            /* for a name or a connection */
    struct resolver_question question; /* for the host's addresses */
    struct addresses addresses;        /* none: the URL itself has an address */
    struct fiber *fiber;
    struct client *client;
    struct transfer *transfer;
    size_t answer_size;
};

#endif
