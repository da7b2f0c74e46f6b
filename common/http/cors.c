#include "common/http/cors.h"

#include "common/http/request.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/table/router.h"

#define PREFLIGHT_AGE "600" /* seconds that a browser may keep a preflight's answer */

/* Those that method_of knows. */
static const char all_methods[] = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";

static bool allowed(const struct request *rq, struct text origin)
{
    struct text list = text_of(rq->worker->settings->http.cors_origins);

    while (list.len) {
        const char *comma = memchr(list.at, ',', list.len);
        size_t len = comma ? (size_t)(comma - list.at) : list.len;
        struct text one = text_trimmed((struct text){list.at, len});
        if (text_equal(one, TEXT("*")) || text_equal(one, origin))
            return true;
        list.at += comma ? len + 1 : len;
        list.len -= comma ? len + 1 : len;
    }
    return false;
}

/* Answers with a header whose value the client sent; libmicrohttpd refuses one that is empty. */
static void echo(struct request *rq, const char *name, struct text value)
{
    char *copy = value.len ? arena_string(&rq->arena, value) : NULL;

    if (copy)
        reply_header(rq, name, copy);
}

void cors_headers(struct request *rq)
{
    if (!rq->headers.origin.at)
        return;
    reply_header(rq, "Vary", "Origin");
    if (!allowed(rq, rq->headers.origin))
        return;
    echo(rq, "Access-Control-Allow-Origin", rq->headers.origin);
    reply_header(rq, "Access-Control-Allow-Credentials", "true");
}

bool cors_preflight(struct request *rq)
{
    const struct request_headers *h = &rq->headers;

    if (rq->method != METHOD_OPTIONS || !h->origin.at || !h->access_control_request_method.at)
        return false;
    bool origin_good = allowed(rq, h->origin);
    bool method_good = method_of(h->access_control_request_method) != METHOD_OTHER;
    const char *complaint = !origin_good && !method_good ? "Disallowed CORS origin, method"
                            : !origin_good               ? "Disallowed CORS origin"
                            : !method_good               ? "Disallowed CORS method"
                                                         : NULL;
    reply_text(rq, complaint ? 400 : 200, "text/plain; charset=utf-8",
               complaint ? text_of(complaint) : TEXT("OK"));
    reply_header(rq, "Access-Control-Allow-Methods", all_methods);
    reply_header(rq, "Access-Control-Max-Age", PREFLIGHT_AGE);
    echo(rq, "Access-Control-Allow-Headers", h->access_control_request_headers);
    return true;
}
