#include "common/http/cors.h"

#include "common/http/request.h"
#include "common/table/router.h"

#define PREFLIGHT_AGE "600"          /* seconds for which a browser may cache a preflight's answer */
#define ECHO_MAX      ((size_t)2048) /* the most bytes of a client's value that an answer repeats */

/* The methods that method_of knows. */
static const char all_methods[] = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";

static bool is_allowed(const char *origins, struct text origin)
{
    struct text list = text_of(origins);

    while (list.len) {
        struct text one = text_trimmed(text_take(&list, ','));
        if (text_equal(one, TEXT("*")) || text_equal(one, origin))
            return true;
    }
    return false;
}

/*
 * The headers of an answer that a script may read besides those that the Fetch standard allows (section 4.5).
 */
static const char exposed[] = "Link, X-Total-Count, X-Request-ID, ETag, Location, Retry-After, Server-Timing";

/* Adds a header whose value the client sent; one of unlimited length would leave no room for the answer. */
static void echo(struct request *rq, const char *name, struct text value)
{
    char *copy = value.len && value.len <= ECHO_MAX ? arena_string(&rq->arena, value) : NULL;

    if (copy)
        reply_header(rq, name, copy);
}

void cors_headers(struct request *rq, const char *origins)
{
    if (!rq->headers.origin.at)
        return;
    reply_header(rq, "Vary", "Origin");
    if (!is_allowed(origins, rq->headers.origin))
        return;
    echo(rq, "Access-Control-Allow-Origin", rq->headers.origin);
    reply_header(rq, "Access-Control-Allow-Credentials", "true");
    reply_header(rq, "Access-Control-Expose-Headers", exposed);
}

bool cors_preflight(struct request *rq, const char *origins)
{
    const struct request_headers *h = &rq->headers;

    if (rq->method != METHOD_OPTIONS || !h->origin.at || !h->access_control_request_method.at)
        return false;
    bool origin_good = is_allowed(origins, h->origin);
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
