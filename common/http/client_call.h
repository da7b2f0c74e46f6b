/*
 * One HTTP call to another service: what is asked, and what came back.
 */
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

#define CLIENT_HEADERS_MAX 12 /* of a request, or of an answer that are kept */

struct client;
struct fiber;
struct transfer;

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
    int64_t connect_timeout;   /* milliseconds; 0: that of the settings */
    const char *ca_file;       /* certificates that an https server may be signed by; NULL: the system's */
    int64_t deadline;          /* monotonic, nanoseconds */
    void (*done)(struct client_call *call);

    /* What came back. */
    int status;     /* 0: no whole answer came in time */
    bool too_large; /* because its body is larger than answer_limit */
    struct text answer;
    struct header kept[CLIENT_HEADERS_MAX];
    size_t kept_count;

    /* client.c's own */
    bool spoiled;                      /* it has more headers than there is room for */
    bool sent_again;                   /* to addresses that were looked up again */
    struct waiting waiting;            /* for a name or a connection */
    struct resolver_question question; /* for the host's addresses */
    struct addresses addresses;        /* none: the URL has an address itself */
    struct fiber *fiber;
    struct client *client;
    struct transfer *transfer;
    size_t answer_size;
};

#endif
