/*
 * An exchange: one request and its answer, passed through libmicrohttpd's callbacks.
 *
 * The header is checked as soon as it is complete, and may be refused then; otherwise the body is collected,
 * and the complete request is handed to the hooks. Until it is answered, its connection is suspended.
 */
#include "common/http/internal.h"

#include <string.h>

#include "common/http/target.h"

#define ID_MAX         128          /* the most bytes of an X-Request-ID that is used */
#define ID_MADE        16           /* bytes of a generated one */
#define LINE_OF_HEADER ((size_t)72) /* bytes of libmicrohttpd's note of each header line */

/* Answering */

_Static_assert(LENGTH_UNKNOWN == MHD_SIZE_UNKNOWN, "the response to a HEAD would get a length");

/* Never called: the answer to a HEAD, and a 304, has a length but no body. */
static ssize_t read_nothing(void *cls, uint64_t at, char *into, size_t size)
{
    (void)cls;
    (void)at;
    (void)into;
    (void)size;
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

/*
 * Of an answer without a body and without a length libmicrohttpd 0.9.75 would write the last chunk, which the
 * client would take for its next answer (RFC 9112, section 6.3); so it is not chunked, and the connection is
 * closed.
 */
static struct MHD_Response *make_bodiless_response(uint64_t length)
{
    struct MHD_Response *response = MHD_create_response_from_callback(length, 1, read_nothing, NULL, NULL);

    if (!response || length != LENGTH_UNKNOWN ||
        MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END) == MHD_YES)
        return response;
    MHD_destroy_response(response);
    return NULL;
}

/* The body is in the request's memory, which lives until the exchange ends. */
static struct MHD_Response *make_response(struct exchange *x)
{
    const struct request *rq = &x->rq;

    if (rq->streamed)
        return stream_response(x);
    if (rq->tells_length)
        return make_bodiless_response(rq->told_length);
    return MHD_create_response_from_buffer(rq->out.len, rq->out.at, MHD_RESPMEM_PERSISTENT);
}

static bool add_headers(const struct request *rq, struct MHD_Response *response, bool close)
{
    bool added = true;

    if (rq->content_type)
        added = MHD_add_response_header(response, "Content-Type", rq->content_type) == MHD_YES;
    for (size_t i = 0; i < rq->answer_header_count; i++)
        added = added && MHD_add_response_header(response, rq->answer_headers[i].name,
                                                 rq->answer_headers[i].value) == MHD_YES;
    return added && (!close || MHD_add_response_header(response, "Connection", "close") == MHD_YES);
}

/* Hands the answer to libmicrohttpd; false when it cannot take it, and the connection has to be closed. */
static bool queue_answer(struct exchange *x)
{
    struct request *rq = &x->rq;
    struct MHD_Response *response = make_response(x);

    if (!response)
        return false;
    bool queued = add_headers(rq, response, x->close || x->http->draining) &&
                  MHD_queue_response(x->mhd, (unsigned)rq->status, response) == MHD_YES;
    MHD_destroy_response(response);
    x->connection->answered_early |= x->close;
    x->queued = true;
    exchange_set_state(x, AWAITS_READER);
    return queued;
}

void http_answer(struct request *rq)
{
    struct exchange *x = container_of(rq, struct exchange, rq);

    if (rq->streamed && x->answered) {
        stream_close(x);
        return;
    }
    x->answered = true;
    exchange_wake_connection(x); /* if it is not suspended, the caller of the hook queues the answer */
}

void exchange_resume_answered(struct http *http)
{
    struct exchange *x = http->resumable;

    http->resumable = NULL;
    while (x) {
        struct exchange *next = x->next;
        /* If it could not be queued, the connection is closed when libmicrohttpd calls for it again. */
        x->suspended = x->resuming = false;
        if (!x->queued)
            (void)queue_answer(x);
        else
            exchange_set_state(x, AWAITS_READER);
        MHD_resume_connection(x->mhd);
        http->ready = true;
        x = next;
    }
}

/* Answers a request that is not handed on, and closes its connection. */
static enum MHD_Result refuse(struct exchange *x, int status, const char *detail)
{
    x->close = x->started = true;
    reply_error(&x->rq, status, detail);
    x->http->hooks.on_refused(&x->rq);
    return queue_answer(x) ? MHD_YES : MHD_NO;
}

/* The header */

static enum MHD_Result take_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                   const char *value, size_t value_len)
{
    struct exchange *x = cls;

    (void)kind;
    header_scan_take(&x->scan, &x->rq.headers, (struct text){name, name_len},
                     (struct text){value ? value : "", value_len});
    return MHD_YES;
}

/* The next generated id: 16 hexadecimal digits, a counter from a random start. */
static struct text make_id(struct exchange *x)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t n = x->http->next_id++ * UINT64_C(0x9e3779b97f4a7c15); /* spreads, and repeats after 2^64 */
    char *id = arena_alloc(&x->rq.arena, ID_MADE);

    if (!id)
        return TEXT("");
    for (int i = ID_MADE - 1; i >= 0; i--, n >>= 4)
        id[i] = digits[n & 15];
    return (struct text){id, ID_MADE};
}

static bool is_usable_id(struct text id)
{
    bool good = id.at && id.len > 0 && id.len <= ID_MAX;

    for (size_t i = 0; good && i < id.len; i++)
        good = id.at[i] > ' ' && id.at[i] < 0x7f;
    return good;
}

/*
 * Whether the parts of the request line follow one another, with nothing hidden by a NUL or a second space:
 * libmicrohttpd 0.9 leaves the parts in the buffer where it read them.
 */
static bool is_whole_line(const struct exchange *x, const char *version)
{
    const struct request *rq = &x->rq;

    return !x->scan.end || (x->raw_target == rq->method_name.at + rq->method_name.len + 1 &&
                            version == x->raw_target + rq->target.len + 1);
}

/* What is wrong with the request line or the header's lines, or NULL. */
static const char *find_fault(struct exchange *x, const char *version)
{
    struct request *rq = &x->rq;
    const char *fault = header_scan_end(&x->scan, &rq->headers);

    if (fault)
        return fault;
    if (!header_is_token(rq->method_name))
        return "Invalid method";
    if (!is_whole_line(x, version) || !target_split(rq->target, &rq->raw_path, &rq->raw_query))
        return "Invalid request target";
    return NULL;
}

/* Whether the request leaves libmicrohttpd enough room for the answer. */
static bool fits(const struct exchange *x)
{
    size_t taken = x->rq.method_name.len + x->rq.target.len + x->scan.bytes + x->scan.lines * LINE_OF_HEADER;

    return x->scan.bytes <= (size_t)x->http->settings->header_limit && taken <= x->http->pool_budget;
}

static enum MHD_Result check_header(struct exchange *x, const char *fault)
{
    const struct http_settings *settings = x->http->settings;

    if (x->rq.target.len > (size_t)settings->url_limit)
        return refuse(x, 414, "URI too long");
    if (!fits(x))
        return refuse(x, 431, "Request header block too large");
    if (fault)
        return refuse(x, 400, fault);
    if (x->scan.content_length > body_limit_for(x, x->scan.content_length))
        return refuse(x, 413, "Request body too large");
    if (x->scan.content_length || x->scan.chunked)
        connection_owes(x->http, x->connection);
    /*
     * An answer during this first call would close the connection: the request starts at the call that ends
     * its body.
     */
    return MHD_YES;
}

enum MHD_Result exchange_begin(struct exchange *x, const char *method, const char *version)
{
    struct request *rq = &x->rq;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    bool old = MHD_get_version()[0] == '0';

    x->begun = true;
    x->connection = info ? info->socket_context : NULL;
    if (!x->connection || !rq->target.at)
        return MHD_NO;
    pool_find(x->http, x->connection, method);
    x->connection->trimmed = false;
    pool_count(x->http, x->connection);
    exchange_set_state(x, AWAITS_BODY);
    rq->method_name = text_of(method);
    rq->method = method_of(rq->method_name);
    rq->head = rq->method == METHOD_HEAD;
    x->scan.arena = &rq->arena;
    rq->old_http = x->scan.version_1_0 = strcmp(version, MHD_HTTP_VERSION_1_0) == 0;
    x->scan.end = old ? version + strlen(version) : NULL;
    info = MHD_get_connection_info(x->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    x->scan.whole_end = info ? method + info->header_size : NULL;
    MHD_get_connection_values_n(x->mhd, MHD_HEADER_KIND, take_header, x);
    /*
     * 0.9 accepts a lone LF as the end of a line in chunk framing, others do not: nothing after the body is
     * read.
     */
    x->close = old && x->scan.chunked;
    const char *fault = find_fault(x, version);
    rq->id = is_usable_id(rq->headers.request_id) ? rq->headers.request_id : make_id(x);
    return check_header(x, fault);
}

/* The body */

enum MHD_Result exchange_start(struct exchange *x)
{
    if (x->answered)
        return MHD_NO; /* its answer could not be queued */
    if (x->started)
        return MHD_YES;
    connection_owes_nothing(x->connection);
    exchange_set_state(x, AWAITS_ANSWER);
    x->rq.started = x->http->loop->now; /* the time before that was the client's */
    x->rq.body_bytes = (struct text){x->body ? x->body : "", x->body_len};
    if (x->body_too_large)
        return refuse(x, 413, "Request body too large");
    x->started = true;
    if (x->body_lost) {
        reply_unavailable(&x->rq);
        x->http->hooks.on_refused(&x->rq);
    } else {
        x->http->hooks.on_request(&x->rq);
    }
    if (x->answered)
        return queue_answer(x) ? MHD_YES : MHD_NO;
    connection_answer_first(x->http, x->connection);
    exchange_suspend(x);
    return MHD_YES;
}

void exchange_end(struct exchange *x)
{
    struct http *http = x->http;
    struct connection *c = x->connection;

    if (c) {
        exchange_set_state(x, AWAITS_NOTHING);
        connection_owes_nothing(c);
        c->since = 0;
        c->ended = http->loop->now;
        c->received = 0;
        connection_answer_taken(http, c);
        pool_enter_rested(http, c);
    }
    if (!stream_leave(x))
        exchange_free(x);
}
