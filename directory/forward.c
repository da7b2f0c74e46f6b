#include "directory/forward.h"

#include <stdlib.h>

#include "common/http/client.h"
#include "common/http/header.h"
#include "common/http/request.h"
#include "common/http/url.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "directory/lookup.h"
#include "directory/lookup_call.h"
#include "directory/reference.h"

static bool takes(struct text raw_path)
{
    static const struct text roots[] = {TEXT("/users"), TEXT("/labs")};

    for (size_t i = 0; i < 2; i++) {
        size_t len = roots[i].len;
        if (raw_path.len >= len && memcmp(raw_path.at, roots[i].at, len) == 0 &&
            (raw_path.len == len || raw_path.at[len] == '/'))
            return true;
    }
    return false;
}

static void pass_header(struct client_call *call, struct request *rq, const char *name, struct text value)
{
    char *string = value.at ? arena_string(&rq->arena, value) : NULL;

    if (string)
        client_header(call, name, string);
}

/* False: no memory. */
static bool pass_back_header(struct request *rq, const struct header *h)
{
    const char *value = h->value;

    if (!*value || !header_is_value(text_of(value)))
        return true; /* it is not valid in an answer */
    if (strcmp(h->name, "Content-Length") == 0) {
        if (rq->tells_length)
            reply_length(rq, strtoull(value, NULL, 10));
        return true;
    }
    if (strcmp(h->name, "Content-Type") == 0) {
        rq->content_type = value;
        return true;
    }
    if (strcmp(h->name, "Location") == 0)
        value = reference_relative(&rq->arena, rq->worker->settings->directory.user_progress_url,
                                   rq->raw_path, value);
    if (value)
        reply_header(rq, h->name, value);
    return value != NULL;
}

static enum reply answer(struct request *rq, const struct client_call *call)
{
    reply_text(rq, call->status, NULL, call->answer.at ? call->answer : TEXT(""));
    if (rq->head || call->status == 304)
        reply_length(rq, LENGTH_UNKNOWN); /* unless it came with one */
    for (size_t i = 0; i < call->kept_count; i++)
        if (!pass_back_header(rq, &call->kept[i]))
            return reply_unavailable(rq);
    return REPLIED;
}

/*
 * The same path and query at User Progress' address; characters that a URL must not have are percent-encoded.
 */
static const char *url_of(struct request *rq)
{
    static const char in_path[] = "/:@!$&'()*+,;=%";
    static const char in_query[] = "/?:@!$&'()*+,;=%";
    struct writer w = writer_start(&rq->arena);

    write_text(&w, url_base(rq->worker->settings->directory.user_progress_url));
    write_url(&w, rq->raw_path, in_path);
    if (rq->raw_query.at) {
        write_char(&w, '?');
        write_url(&w, rq->raw_query, in_query);
    }
    write_char(&w, '\0');
    return w.failed ? NULL : w.at;
}

enum reply forward(struct request *rq)
{
    static const char *const wanted[] = {"Content-Type",
                                         "Content-Length",
                                         "Location",
                                         "Allow",
                                         "Link",
                                         "X-Total-Count",
                                         "Retry-After",
                                         "ETag",
                                         "WWW-Authenticate",
                                         "Idempotency-Replayed",
                                         NULL};
    struct client_call call = {.arena = &rq->arena,
                               .method = arena_string(&rq->arena, rq->method_name),
                               .url = url_of(rq),
                               .body = rq->body_bytes.len ? rq->body_bytes : TEXT_NULL,
                               .wanted = wanted,
                               .answer_limit = WRITER_LIMIT,
                               .deadline = lookup_deadline(rq)};
    int64_t since = rq->loop->now;

    if (!call.method || !call.url)
        return reply_unavailable(rq);
    client_trace(&call, rq);
    /* Without a Content-Type libcurl would send that of a form. */
    if (rq->headers.content_type.at)
        pass_header(&call, rq, "Content-Type", rq->headers.content_type);
    else
        client_header(&call, "Content-Type", "application/json");
    pass_header(&call, rq, "Authorization", rq->headers.authorization);
    pass_header(&call, rq, "Idempotency-Key", rq->headers.idempotency_key);
    pass_header(&call, rq, "If-None-Match", rq->headers.if_none_match);
    bool answered = client_run(rq->worker->client, &call);
    rq->timing.lookup += rq->loop->now - since;
    if (answered && call.status >= 200 && call.status <= 599)
        return answer(rq, &call);
    lookup_reply_unavailable(rq);
    return REPLIED;
}

const struct forwarding directory_forwarding = {
    .takes = takes,
    .endpoint = {.flags = ENDPOINT_FORWARD, .handle = forward},
};
