/*
 * The table of endpoints: what a service offers, declared once.
 *
 * A service's api.c holds one `struct api`. The router, the validator, the 405 `Allow`, the OpenAPI document
 * and the labels of the metrics are derived from it. Adding an endpoint is one row and one handler.
 */
#ifndef COMMON_TABLE_API_H
#define COMMON_TABLE_API_H

#include <stdbool.h>
#include <stddef.h>

#include "common/shape/shape.h"

struct api;
struct part;
struct request;
struct worker;

/* What a handler returns: it has replied (request.h). */
enum reply { REPLIED };

typedef enum reply handler_fn(struct request *rq);

enum method {
    METHOD_GET,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_PATCH,
    METHOD_HEAD,
    METHOD_OPTIONS,
    METHOD_OTHER
};

/* An error that an endpoint answers: `{"detail":"…"}` unless the endpoint says otherwise. */
struct failure {
    int status;
    const char *detail;
    const char *member; /* that has the text instead of `detail`; NULL: `detail` */
};

enum endpoint_flag {
    ENDPOINT_DIRECT = 1 << 0,  /* the handler never waits: it runs on the loop's own stack */
    ENDPOINT_LIST = 1 << 1,    /* the answer is a list of `answer` */
    ENDPOINT_OPEN = 1 << 2,    /* requires no token even under AUTH_REQUIRED */
    ENDPOINT_HIDDEN = 1 << 3,  /* not in the OpenAPI document */
    ENDPOINT_TOKEN = 1 << 4,   /* always requires a token, of a user and not of a service */
    ENDPOINT_REPORT = 1 << 5,  /* an aggregate: its statements go to the connection for reports */
    ENDPOINT_FORWARD = 1 << 6, /* only documented here: User Progress answers it */
    ENDPOINT_TAGGED = 1 << 7,  /* the answer has an ETag, and If-None-Match applies */
    ENDPOINT_LENIENT = 1 << 8, /* its handler reads the body, body_in only documents it; input is never 422 */
    ENDPOINT_CREATES = 1 << 9, /* each call creates something new: an Idempotency-Key applies */
    ENDPOINT_BATCH = 1 << 10,  /* its handler reads a list of `body_in`, or lines, up to INGEST_BODY_LIMIT */
    ENDPOINT_EXPORT = 1 << 12, /* an answer of any length, as NDJSON or CSV; with ENDPOINT_REPORT */
    ENDPOINT_SERVICE = 1 << 13, /* always requires SERVICE_TOKEN: other services call it, and nobody else */
    ENDPOINT_LINES = 1 << 14,   /* the answer is any number of `answer`, one per line (NDJSON) */
    ENDPOINT_PROBE = 1 << 11,   /* tells the state of the process: answered even if nothing else can be */
};

#define ENDPOINT_FAILURES 6 /* rows of an endpoint's list of errors, the empty last one included */

struct endpoint {
    enum method method;
    const char *path; /* `/users/{user_id}`; a segment in braces names a field of `path_in` */
    const char *tag;
    const char *summary;
    const char *help;
    const struct shape *path_in;
    const struct shape *query_in;
    const struct shape *body_in;
    const struct shape *answer;
    int status;                  /* of a successful answer; 0 means 200 */
    const struct shape *preview; /* with 200, the answer if the call only looks (dry_run); NULL: `answer` */
    unsigned flags;
    const char *scope; /* that the token, which is always required then, must have; NULL: none */
    struct failure
        failures[ENDPOINT_FAILURES]; /* 422 and 503 are added by the document itself where they apply */
    handler_fn *handle;
};

/* Whether a call requires a user's token even if AUTH_REQUIRED is off. A scope is one of RFC 8693,
 * section 4.2. */
static inline bool endpoint_requires_token(const struct endpoint *endpoint)
{
    return endpoint->flags & ENDPOINT_TOKEN || endpoint->scope;
}

/* Paths that another service answers, by any method, whether the table has them or not. */
struct forwarding {
    bool (*takes)(struct text raw_path);
    struct endpoint endpoint; /* whose handler passes the request on */
};

/* A row of the table, and an error in it: GET("/labs/{lab_id}", labs_get, "Labs", "Get a lab", .answer = …).
 */
#define ENDPOINT(verb, at, handler, group, title, ...)                                                       \
    {                                                                                                        \
        .method = METHOD_##verb, .path = (at), .tag = (group), .summary = (title), .handle = (handler),      \
        __VA_ARGS__                                                                                          \
    }
#define GET(...)    ENDPOINT(GET, __VA_ARGS__)
#define POST(...)   ENDPOINT(POST, __VA_ARGS__)
#define PUT(...)    ENDPOINT(PUT, __VA_ARGS__)
#define DELETE(...) ENDPOINT(DELETE, __VA_ARGS__)

#define FAILURE(code, ...)                                                                                   \
    {                                                                                                        \
        (code), __VA_ARGS__                                                                                  \
    }

struct settings;

/* A command: something else that a daemon does if its first argument names it. */
struct command {
    const char *name;
    const char *help;
    int (*run)(const struct settings *settings, const struct api *api); /* what main returns */
};

#define UPKEEP_MAX 4

/* Regular work on the service's tables, in one worker of each process. */
struct upkeep {
    void (*work)(struct request *rq); /* may wait */
    int every;                        /* milliseconds from its end to its next beginning */
};

struct api {
    const char *name;  /* of the daemon and in the logs: user-progress */
    const char *title; /* User Progress Tracking Service */
    const char *help;
    const char *version; /* of the program and of its interface */
    int port;            /* when no setting says otherwise */
    const char *schema;  /* SQL that creates the tables and may be run any number of times */
    int schema_version;
    const char *table; /* that only this schema makes, and neither the original nor another service */
    const struct part *const *parts; /* beside those of every service (serve/part.h) */
    size_t part_count;
    const struct upkeep *upkeep; /* at most UPKEEP_MAX */
    size_t upkeep_count;
    const struct endpoint *endpoints;
    size_t endpoint_count;
    const struct forwarding *forwarding; /* NULL: nothing is forwarded */
    const struct command *commands;
    size_t command_count;
};

#endif
