#include "directory/forward.h"

#include "common/http/client.h"
#include "common/http/request.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "directory/lookup.h"
#include "directory/lookup_plain.h"

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

/* The path of an absolute URL: what a client of ours can follow. */
static const char *relative(const char *location)
{
    const char *authority = strstr(location, "://");
    const char *path = authority ? strchr(authority + 3, '/') : location;

    return path ? path : "/";
}

static enum reply answer(struct request *rq, const struct client_call *call)
{
    reply_text(rq, call->status, NULL, call->answer.at ? call->answer : TEXT(""));
    for (size_t i = 0; i < call->kept_count; i++) {
        const struct header *h = &call->kept[i];
        if (strcmp(h->name, "Content-Type") == 0)
            rq->content_type = h->value;
        else
            reply_header(rq, h->name, strcmp(h->name, "Location") == 0 ? relative(h->value) : h->value);
    }
    return REPLIED;
}

enum reply forward(struct request *rq)
{
    static const char *const wanted[] = {"Content-Type",  "Location",    "Allow", "Link",
                                         "X-Total-Count", "Retry-After", "ETag",  NULL};
    struct text base = client_base(rq->worker->settings->directory.user_progress_url);
    struct client_call call = {.arena = &rq->arena,
                               .method = arena_string(&rq->arena, rq->method_name),
                               .body = rq->body_bytes.len ? rq->body_bytes : TEXT_NULL,
                               .wanted = wanted,
                               .answer_limit = WRITER_LIMIT,
                               .deadline =
                                   rq->loop->now + rq->worker->settings->directory.timeout * MILLISECOND};

    call.url = arena_printf(&rq->arena, "%.*s%.*s%s%.*s", (int)base.len, base.at, (int)rq->raw_path.len,
                            rq->raw_path.at, rq->raw_query.at ? "?" : "", (int)rq->raw_query.len,
                            rq->raw_query.at ? rq->raw_query.at : "");
    if (!call.method || !call.url)
        return reply_unavailable(rq);
    client_trace(&call, rq);
    /* libcurl would name a form where the client named nothing. */
    if (rq->headers.content_type.at)
        pass_header(&call, rq, "Content-Type", rq->headers.content_type);
    else
        client_header(&call, "Content-Type", "application/json");
    pass_header(&call, rq, "Authorization", rq->headers.authorization);
    pass_header(&call, rq, "Idempotency-Key", rq->headers.idempotency_key);
    pass_header(&call, rq, "If-None-Match", rq->headers.if_none_match);
    if (!client_run(rq, &call) || call.status < 200) {
        lookup_reply_unavailable(rq);
        return REPLIED;
    }
    return answer(rq, &call);
}

const struct forwarding directory_forwarding = {
    .takes = takes,
    .endpoint = {.flags = ENDPOINT_FORWARD, .handle = forward},
};
