#include "common/serve/route.h"

#include "common/http/request.h"
#include "common/http/target.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/table/api.h"
#include "common/table/router.h"

static void reply_not_allowed(struct request *rq, unsigned allowed)
{
    static const enum method order[] = {METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_PUT, METHOD_DELETE};
    struct writer w = writer_start(&rq->arena);

    for (size_t i = 0; i < COUNT(order); i++) {
        if (!(allowed & 1u << order[i]))
            continue;
        write_text(&w, w.len ? TEXT(", ") : TEXT(""));
        write_text(&w, text_of(method_names[order[i]]));
    }
    write_char(&w, '\0');
    if (!w.failed)
        reply_header(rq, "Allow", w.at);
    reply_error(rq, 405, "Method Not Allowed");
}

/* The path with a slash more at its end, or without those there; the null text: there is no other. */
static struct text other_path(struct request *rq, size_t *taken_off)
{
    struct text path = rq->raw_path;

    *taken_off = 0;
    if (path.len < 2)
        return TEXT_NULL;
    if (path.at[path.len - 1] != '/') {
        char *longer = arena_alloc(&rq->arena, path.len + 1);
        if (!longer)
            return TEXT_NULL;
        memcpy(longer, path.at, path.len);
        longer[path.len] = '/';
        return (struct text){longer, path.len + 1};
    }
    for (; path.len > 1 && path.at[path.len - 1] == '/'; path.len--)
        ++*taken_off;
    return path;
}

/* Where the last segment of a path begins, a slash at the path's end aside. */
static struct text last_segment(struct text path)
{
    size_t from = path.len - 1;

    while (from > 0 && path.at[from - 1] != '/')
        from--;
    return (struct text){path.at + from, path.len - from};
}

/*
 * A reference that is relative to the request's own path (RFC 3986, section 5.2), so that it holds behind any
 * prefix that a proxy has taken off: one step up for each slash less, then the last segment, then the query.
 */
static void redirect_to(struct request *rq, struct text path, size_t taken_off)
{
    /* What a URL may have stays as it came (RFC 3986, section 2), except what could begin a scheme or an
     * authority; the rest no header could carry. */
    static const char in_path[] = "/@!$&'()*+,;=%";
    static const char in_query[] = ":/?@!$&'()*+,;=%";
    struct writer location = writer_start(&rq->arena);

    for (size_t i = 0; i < taken_off; i++)
        write_literal(&location, "../");
    write_url(&location, last_segment(path), in_path);
    if (rq->raw_query.at) {
        write_char(&location, '?');
        write_url(&location, rq->raw_query, in_query);
    }
    size_t len = location.len;
    write_char(&location, '\0');
    if (location.failed)
        reply_unavailable(rq);
    else if (len > (size_t)rq->worker->settings->http.url_limit) /* as it would be answered there */
        reply_error(rq, 414, "URI too long");
    else
        reply_redirect(rq, location.at);
}

/* A path that matches nothing is redirected where it does with a slash more or less at its end. */
static bool redirect(struct request *rq, enum method method)
{
    struct route route;
    size_t taken_off;
    struct text path = other_path(rq, &taken_off);

    if (!path.at)
        return false;
    router_find(rq->worker->router, method, path, &route);
    if (!route.allowed)
        return false;
    redirect_to(rq, path, taken_off);
    return true;
}

bool route_find(struct request *rq)
{
    const struct forwarding *forwarding = rq->worker->api->forwarding;
    enum method method = rq->head ? METHOD_GET : rq->method;
    struct route route;

    if (target_has_dots(rq->raw_path)) {
        reply_error(rq, 404, "Not Found");
        return false;
    }
    router_find(rq->worker->router, method, rq->raw_path, &route);
    rq->endpoint = rq->route = route.endpoint;
    rq->parameter_count = route.parameter_count;
    memcpy(rq->parameters, route.parameters, sizeof(rq->parameters));
    if (forwarding && forwarding->takes(rq->raw_path)) {
        rq->endpoint = &forwarding->endpoint;
        return true;
    }
    if (rq->endpoint)
        return true;
    if (route.allowed)
        reply_not_allowed(rq, route.allowed);
    else if (!redirect(rq, method))
        reply_error(rq, 404, "Not Found");
    return false;
}
