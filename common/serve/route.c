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

/* The path with a slash added at its end, or without the slashes there; the null text if there is neither. */
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

/* The last segment of a path, with the slashes after it; of the root nothing. */
static struct text last_segment(struct text path)
{
    size_t from = path.len > 1 ? path.len - 1 : path.len;

    while (from > 0 && path.at[from - 1] != '/')
        from--;
    return (struct text){path.at + from, path.len - from};
}

/*
 * Redirects to a reference that is relative to the request's own path (RFC 3986, section 5.2), so that it is
 * right behind any prefix that a proxy removes: `../` for each slash removed, then the last segment, then the
 * query.
 */
static void redirect_to(struct request *rq, struct text path, size_t taken_off)
{
    /*
     * Characters that a URL may have are kept (RFC 3986, section 2), except those that could begin a scheme
     * or an authority; others are not valid in a header.
     */
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
    else if (len > (size_t)rq->worker->settings->http.url_limit) /* as the target itself would be answered */
        reply_error(rq, 414, "URI too long");
    else
        reply_redirect(rq, location.at);
}

/* Redirects a path that matches nothing, if it does with a slash added or removed at its end. */
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
