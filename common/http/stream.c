/*
 * Answers that are sent while they are written (request.h: stream_allow).
 *
 * The producer is the request's fiber. When a part of the answer is full, the fiber hands it over and sleeps
 * until libmicrohttpd has taken all of it. So only one part is in memory, however long the answer and however
 * slow its reader. The connection is suspended while there is nothing to take.
 */
#include "common/http/internal.h"

#include <string.h>
#include <sys/socket.h>

#include "common/base/fiber.h"
#include "common/base/gzip.h"
#include "common/base/log.h"
#include "common/http/header.h"

#define WAKE_TIME (4 * MILLISECOND) /* the time per turn for producers; the others run in the next turn */

static struct exchange *exchange_of(struct request *rq)
{
    return container_of(rq, struct exchange, rq);
}

/* The producer */

/* Whether the client still reads the answer and nothing has failed. */
static bool is_wanted(const struct stream *s)
{
    return s->state == STREAM_OPEN && !s->left_by_client;
}

/* Sleeps until the part is taken or no longer wanted. */
static void hand_over(struct exchange *x, struct text part)
{
    struct stream *s = &x->stream;

    s->part = part;
    exchange_wake_connection(x);
    while (is_wanted(s) && s->part.len) {
        s->producer = fiber_current();
        fiber_wait();
    }
}

/* Compresses, and hands over each full part; after the last bytes the rest is left to the connection. */
static void pass_compressed(struct exchange *x, struct text plain, bool last)
{
    struct stream *s = &x->stream;
    bool ended = false;

    while (is_wanted(s) && (last ? !ended : plain.len > 0)) {
        s->room_len +=
            gzip_stream_take(s->gzip, &plain, s->room + s->room_len, WRITER_PART - s->room_len, last, &ended);
        if (s->room_len < WRITER_PART)
            continue;
        x->rq.streamed_bytes += s->room_len;
        hand_over(x, (struct text){s->room, s->room_len});
        s->room_len = 0;
    }
}

static void pass(struct request *rq)
{
    struct exchange *x = exchange_of(rq);
    struct text part = {rq->out.at, rq->out.len};

    if (x->stream.gzip) {
        pass_compressed(x, part, false);
    } else {
        rq->streamed_bytes += part.len;
        hand_over(x, part);
    }
    rq->out.len = 0;
    rq->out.failed = !is_wanted(&x->stream);
}

/*
 * Sends the header, with the fields that every answer has. From now on the client may leave before the
 * producer ends, and libmicrohttpd's memory goes with it.
 */
static void begin(struct request *rq)
{
    struct exchange *x = exchange_of(rq);
    struct stream *s = &x->stream;

    header_keep(&rq->headers, &rq->arena);
    rq->method_name = arena_text(&rq->arena, rq->method_name);
    rq->id = arena_text(&rq->arena, rq->id);
    rq->streamed = true;
    s->state = STREAM_OPEN;
    x->http->hooks.on_stream(rq);
    if (rq->compresses) {
        s->gzip = gzip_stream_open(&rq->arena);
        s->room = arena_alloc(&rq->arena, WRITER_PART);
        if (!s->gzip || !s->room)
            s->state = STREAM_BROKEN;
    }
    x->answered = true;
    exchange_wake_connection(x);
}

static void part_is_full(struct writer *w)
{
    struct request *rq = container_of(w, struct request, out);

    if (rq->head) {
        rq->tells_length = true;
        rq->told_length += w->len;
        w->len = 0;
        return;
    }
    if (!rq->streamed)
        begin(rq);
    pass(rq);
}

void stream_allow(struct request *rq)
{
    bool can = rq->endpoint && rq->endpoint->flags & ENDPOINT_REPORT && !rq->idempotency && fiber_current();

    rq->out.full = can ? part_is_full : NULL;
}

void stream_break(struct request *rq)
{
    struct stream *s = &exchange_of(rq)->stream;

    rq->out = (struct writer){.failed = true};
    if (s->state == STREAM_OPEN)
        s->state = STREAM_BROKEN;
}

void stream_finish_head(struct request *rq)
{
    if (rq->out.full && rq->tells_length)
        rq->told_length += rq->out.len;
}

/* Ends the answer with what the producer has written last; the connection sends it without the producer. */
void stream_finish(struct request *rq)
{
    struct exchange *x = exchange_of(rq);
    struct stream *s = &x->stream;

    if (rq->out.failed && s->state == STREAM_OPEN && !s->left_by_client)
        s->state = STREAM_BROKEN;
    if (s->gzip)
        pass_compressed(x, (struct text){rq->out.at, rq->out.len}, true);
    if (!is_wanted(s))
        return;
    s->part = s->gzip ? (struct text){s->room, s->room_len} : (struct text){rq->out.at, rq->out.len};
    rq->streamed_bytes += s->part.len;
    s->state = STREAM_ENDED;
}

void stream_close(struct exchange *x)
{
    x->stream.closed = true;
    if (x->stream.left_by_client)
        stream_wake(x);
    else
        exchange_wake_connection(x);
}

/* The connection */

/* Over HTTP/1.0 the answer ends with the connection: only a reset shows the client that it is incomplete. */
static void reset_at_close(const struct exchange *x)
{
    const struct linger now = {.l_onoff = 1};

    if (setsockopt(x->connection->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) != 0)
        log_line(LOG_WARNING, "a connection cannot be reset", NULL);
}

static ssize_t end(struct exchange *x)
{
    if (x->stream.state == STREAM_ENDED)
        return MHD_CONTENT_READER_END_OF_STREAM;
    metric_count(&x->http->metrics->answers_cut);
    x->connection->cut = true;
    if (x->scan.version_1_0)
        reset_at_close(x);
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

/* Called by libmicrohttpd when it has room for `size` more bytes of the answer. */
static ssize_t take(void *cls, uint64_t at, char *into, size_t size)
{
    struct exchange *x = cls;
    struct stream *s = &x->stream;
    size_t len = s->part.len < size ? s->part.len : size;

    (void)at;
    if (s->state == STREAM_BROKEN || (s->state == STREAM_ENDED && !s->part.len))
        return end(x);
    if (!len) {
        exchange_suspend(x);
        return 0;
    }
    memcpy(into, s->part.at, len);
    s->part.at += len;
    s->part.len -= len;
    exchange_renew(x); /* the time limit is per part; the whole may take any time */
    if (!s->part.len && s->producer)
        stream_wake(x);
    return (ssize_t)len;
}

struct MHD_Response *stream_response(struct exchange *x)
{
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, take, x, NULL);
}

bool stream_leave(struct exchange *x)
{
    struct stream *s = &x->stream;

    if (!x->rq.streamed || s->closed)
        return false;
    s->left_by_client = true;
    if (s->producer)
        stream_wake(x);
    return true;
}

/* From the connection to the producer */

void stream_wake(struct exchange *x)
{
    struct http *http = x->http;

    if (x->stream.waking)
        return;
    x->stream.waking = true;
    x->stream.next = NULL;
    *http->last_awake = x;
    http->last_awake = &x->stream.next;
}

void stream_run(struct http *http)
{
    int64_t until = clock_monotonic() + WAKE_TIME;

    while (http->awake) {
        struct exchange *x = http->awake;
        struct stream *s = &x->stream;
        http->awake = s->next;
        if (!http->awake)
            http->last_awake = &http->awake;
        s->waking = false;
        struct fiber *producer = s->producer;
        s->producer = NULL;
        if (producer)
            fiber_resume(producer);
        else if (s->closed && s->left_by_client)
            exchange_free(x);
        if (clock_monotonic() >= until)
            return;
    }
}
