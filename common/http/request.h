/*
 * A request: what was received, checked and parsed; its answer; and the memory of both.
 *
 * A handler gets a request whose path, query and body are plain structs (the endpoint's shapes) and answers
 * with one of the reply functions. Everything allocated for a request is freed with it.
 */
#ifndef COMMON_HTTP_REQUEST_H
#define COMMON_HTTP_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/text.h"
#include "common/http/timing.h"
#include "common/json/writer.h"
#include "common/shape/shape.h"
#include "common/table/api.h"
#include "common/table/router.h"

struct batch;
struct idempotency;
struct loop;
struct worker;

#define HEADERS_MAX 24 /* that an answer may have besides Content-Type */

/* Request headers that the rest of the program uses; null if they were not sent. */
struct request_headers {
    struct text authorization, content_encoding, content_type, host, idempotency_key, if_none_match,
        accept_encoding, origin, request_id, traceparent, user_agent;
    struct text access_control_request_method, access_control_request_headers;
};

struct header {
    const char *name;
    const char *value;
};

struct request {
    struct loop *loop;
    struct worker *worker; /* used by common/serve only */
    struct arena arena;
    enum method method; /* METHOD_GET for HEAD too */
    bool head;
    bool old_http;           /* HTTP/1.0: a streamed answer ends with the connection */
    struct text method_name; /* as sent */
    struct text target;      /* as sent: raw path and query */
    struct text raw_path, raw_query;
    struct request_headers headers;
    struct text body_bytes;
    const struct endpoint *endpoint; /* that handles it; NULL: none */
    const struct endpoint *route; /* its name in logs and metrics: the same, or the endpoint it forwards to */
    struct named_text parameters[SEGMENTS_MAX]; /* of the raw path, in the route's order */
    size_t parameter_count;
    const void *path, *query, *body; /* structs of the endpoint's shapes */
    struct text id;                  /* X-Request-ID, taken over or made */
    struct text subject;             /* the `sub` of its token; null: none */
    bool own_user_only;              /* its token gives access only to the user `subject` */
    int64_t started, deadline;       /* monotonic, nanoseconds */
    int64_t duration;                /* from `started` until the answer was ready */
    struct batch *transaction;       /* query_begin … query_commit */
    struct timing timing;
    struct idempotency *idempotency;          /* its Idempotency-Key; NULL: none */
    bool (*before_write)(struct request *rq); /* runs first in the transaction of its first write; false:
                                                 it has replied, and nothing is written. NULL: none */
    unsigned transaction_depth;               /* query_begin inside of another one */
    bool transaction_doomed;                  /* an inner one was rolled back */
    bool runs_again; /* its transaction was rolled back for a reason that may not meet another one */

    int status;
    struct writer out;   /* the answer's body */
    bool gzipped;        /* the body is kept compressed */
    const char *version; /* of the body, for its entity tag; NULL: a hash of its bytes is used */
    const char *content_type;
    struct header answer_headers[HEADERS_MAX];
    size_t answer_header_count;
    bool streamed;   /* a part of the answer has left already: its header cannot be changed any more */
    bool compresses; /* what leaves is compressed */
    uint64_t streamed_bytes; /* of its body that have left */
    bool tells_length; /* the answer to a HEAD, or a 304, has the Content-Length `told_length`, or none if
                          unknown */
    uint64_t told_length;
};

/*
 * The media type of the Content-Type, without its parameters (RFC 9110, section 8.3.1); null if there is
 * none.
 */
struct text request_media_type(const struct request *rq);

/*
 * Whether the body's type is JSON, application/json or application/…+json (RFC 6839, section 3.1), or not
 * given.
 */
bool request_is_json(const struct request *rq);

/*
 * Sends the reply that the request holds, or ends a reply that is being streamed; once, on the loop's thread,
 * in a fiber or outside of one.
 */
void http_answer(struct request *rq);

/* The bytes of the answer's body, as they were or are to be sent. */
uint64_t request_bytes_sent(const struct request *rq);

/*
 * Lets the answer that begins leave in parts of WRITER_PART bytes from when it is longer than one: `out` then
 * takes any length in bounded memory, and whoever writes to it waits until the client has taken enough. For
 * reports only, which write nothing, in their fiber: elsewhere it does nothing. What fails after that, any
 * reply of an error included, breaks the connection off; `out.failed` tells that there is nobody to write
 * for.
 */
void stream_allow(struct request *rq);

/* Breaks an answer off that is leaving: nothing more of it is taken. */
void stream_break(struct request *rq);

/* The answer to a HEAD tells the length of what was written, parts that are counted and gone included. */
void stream_finish_head(struct request *rq);

/* The end of what was written leaves too. Waits. */
void stream_finish(struct request *rq);

/* The replies. A handler ends with one of them: `return reply(…)`. */
enum reply reply(struct request *rq, const struct shape *shape, const void *from);
enum reply reply_list(struct request *rq, const struct shape *shape, struct rows rows);
/* 200 with a list of which only `[` is written: its items and `]` are written to `out` one after the other.
 */
void reply_list_begin(struct request *rq);
enum reply reply_error(struct request *rq, int status, const char *detail);
enum reply reply_faults(struct request *rq, const struct faults *faults);
/* `{"status":"success","message":"…"}` */
enum reply reply_message(struct request *rq, const char *message);
/* 503 with Retry-After: the database is away, slow or overloaded. */
enum reply reply_unavailable(struct request *rq);
/* 503 with Retry-After and a detail of its own. */
enum reply reply_unavailable_because(struct request *rq, const char *detail);
/* `{"<member>":"…"}`: an error whose body is not `{"detail":…}`. */
enum reply reply_member(struct request *rq, int status, const char *member, const char *text);
/* 307 to a reference, which must live as long as the request. */
enum reply reply_redirect(struct request *rq, const char *location);
/* Text of another type. The text must live as long as the request. */
enum reply reply_text(struct request *rq, int status, const char *content_type, struct text text);

/*
 * 200 with bytes that are stored in gzip's format and outlive all requests: they are not copied, and are
 * expanded for clients that do not accept gzip. `version` names them in the entity tag.
 */
enum reply reply_gzipped(struct request *rq, const char *content_type, struct text bytes,
                         const char *version);

#define LENGTH_UNKNOWN UINT64_MAX

/*
 * For the answer to a HEAD, and for a 304: the Content-Length that the 200 to a GET would have (RFC 9110,
 * section 8.6). LENGTH_UNKNOWN: none is told.
 */
void reply_length(struct request *rq, uint64_t length);

/*
 * Adds a header to the answer; both strings must live as long as the request. It is left out beyond
 * HEADERS_MAX, or if its value is not valid in a header.
 */
void reply_header(struct request *rq, const char *name, const char *value);

#endif
