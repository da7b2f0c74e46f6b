/*
 * The way of a request from its header and body to its answer: route, authorise, read, handle, answer.
 */
#include "common/base/declare.h"
#include "common/http/request.h"

#include "common/auth/auth.h"
#include "common/base/fiber.h"
#include "common/http/answer.h"
#include "common/http/cors.h"
#include "common/serve/idempotency.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/table/router.h"
#include "directory/forward.h"

#define QUERY_MAX 64 /* parameters of a query that are looked at */

/* Segments and parameters are UTF-8 without NUL, or the request is answered here. */
static bool readable(struct text t)
{
    return t.at && !memchr(t.at, '\0', t.len) && text_is_utf8(t);
}

static bool read_path(struct request *rq, struct route *route, struct faults *faults, bool *found)
{
    const struct shape *shape = rq->endpoint->path_in;

    *found = true;
    if (!shape)
        return true;
    for (size_t i = 0; i < route->parameter_count; i++) {
        struct text value = percent_decode(&rq->arena, route->parameters[i].value, false);
        if (!value.at)
            return false;
        route->parameters[i].value = value;
        *found = *found && readable(value);
    }
    void *into = arena_zalloc(&rq->arena, shape->size);
    rq->path = into;
    return into && (!*found || shape_read_texts(shape, &rq->arena, route->parameters, route->parameter_count,
                                                FAULT_PATH, into, faults));
}

/* What is no UTF-8 in a query is replaced by U+FFFD, as the original's parser does. */
static struct text query_text(struct request *rq, struct text raw)
{
    struct text t = percent_decode(&rq->arena, raw, true);

    return !t.at || readable(t) ? t : TEXT("\xef\xbf\xbd");
}

static bool read_query(struct request *rq, struct faults *faults)
{
    const struct shape *shape = rq->endpoint->query_in;
    struct named_text parameters[QUERY_MAX];
    size_t count = 0;
    struct text left = rq->raw_query.at ? rq->raw_query : TEXT("");

    if (!shape)
        return true;
    while (left.len && count < QUERY_MAX) {
        const char *amp = memchr(left.at, '&', left.len);
        struct text pair = {left.at, amp ? (size_t)(amp - left.at) : left.len};
        left.at += pair.len + (amp ? 1 : 0);
        left.len -= pair.len + (amp ? 1 : 0);
        if (!pair.len)
            continue;
        const char *equals = memchr(pair.at, '=', pair.len);
        struct text name = {pair.at, equals ? (size_t)(equals - pair.at) : pair.len};
        struct text value = equals ? (struct text){equals + 1, pair.len - name.len - 1} : TEXT("");
        parameters[count] = (struct named_text){query_text(rq, name), query_text(rq, value)};
        if (!parameters[count].name.at || !parameters[count].value.at)
            return false;
        count++;
    }
    void *into = arena_zalloc(&rq->arena, shape->size);
    rq->query = into;
    return into && shape_read_texts(shape, &rq->arena, parameters, count, FAULT_QUERY, into, faults);
}

/* Whether a media type is application/json or application/…+json (RFC 6839, section 3.1); none counts as
 * JSON. */
bool request_is_json(const struct request *rq)
{
    struct text type = rq->headers.content_type;

    if (!type.at)
        return true;
    const char *semicolon = memchr(type.at, ';', type.len);
    struct text essence =
        text_trimmed((struct text){type.at, semicolon ? (size_t)(semicolon - type.at) : type.len});
    if (essence.len < 13 || !text_equal_folded((struct text){essence.at, 12}, TEXT("application/")))
        return false;
    struct text subtype = {essence.at + 12, essence.len - 12};
    return text_equal_folded(subtype, TEXT("json")) ||
           (subtype.len >= 5 &&
            text_equal_folded((struct text){subtype.at + subtype.len - 5, 5}, TEXT("+json")));
}

enum body_status { BODY_READ, BODY_UNREADABLE, BODY_NO_MEMORY };

static enum body_status read_body(struct request *rq, struct faults *faults)
{
    const struct shape *shape = rq->endpoint->body_in;
    const struct json *value = NULL;
    struct json_error error;

    if (!shape || rq->endpoint->flags & ENDPOINT_LENIENT)
        return BODY_READ;
    void *into = arena_zalloc(&rq->arena, shape->size);
    rq->body = into;
    if (!into)
        return BODY_NO_MEMORY;
    if (rq->body_bytes.len && !request_is_json(rq)) {
        faults_add_not_json(faults, rq->body_bytes);
        return BODY_READ;
    }
    if (rq->body_bytes.len) {
        switch (json_parse(&rq->arena, rq->body_bytes, &value, &error)) {
        case JSON_OK:
            break;
        case JSON_INVALID:
            faults_add_invalid_json(faults, &error);
            return BODY_READ;
        case JSON_UNREADABLE:
            return BODY_UNREADABLE;
        case JSON_NO_MEMORY:
            return BODY_NO_MEMORY;
        }
    }
    return shape_read_json(shape, &rq->arena, value, into, faults) ? BODY_READ : BODY_NO_MEMORY;
}

static void answer_now(struct request *rq)
{
    cors_headers(rq);
    answer_finish(rq);
    http_answer(rq);
}

static void run_handler(void *arg)
{
    struct request *rq = arg;

    if (rq->headers.idempotency_key.at && rq->method == METHOD_POST)
        idempotency_run(rq);
    else
        rq->endpoint->handle(rq);
    answer_now(rq);
}

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

/* A path that matches nothing is redirected where it does with a slash more or less at its end. */
static bool redirect(struct request *rq, enum method method)
{
    struct text path = rq->raw_path;
    struct route route;

    if (path.len < 2)
        return false;
    if (path.at[path.len - 1] == '/') {
        while (path.len > 1 && path.at[path.len - 1] == '/')
            path.len--;
    } else {
        char *longer = arena_alloc(&rq->arena, path.len + 1);
        if (!longer)
            return false;
        memcpy(longer, path.at, path.len);
        longer[path.len] = '/';
        path = (struct text){longer, path.len + 1};
    }
    router_find(rq->worker->router, method, path, &route);
    if (!route.allowed)
        return false;
    reply_redirect(rq, path);
    return true;
}

/* Finds the endpoint, or replies. */
static bool find_endpoint(struct request *rq, struct route *route)
{
    enum method method = rq->head ? METHOD_GET : rq->method;

    router_find(rq->worker->router, method, rq->raw_path, route);
    rq->endpoint = rq->route = route->endpoint;
    if (rq->endpoint)
        return true;
    if (route->allowed)
        reply_not_allowed(rq, route->allowed);
    else if (!redirect(rq, method))
        reply_error(rq, 404, "Not Found");
    return false;
}

/* Reads path, query and body into their structs, or replies. */
static bool read_input(struct request *rq, struct route *route)
{
    struct faults faults = faults_start(&rq->arena);
    bool found;

    if (!read_path(rq, route, &faults, &found) || !read_query(rq, &faults)) {
        reply_unavailable(rq);
        return false;
    }
    if (!found) {
        reply_error(rq, 404, "Not Found");
        return false;
    }
    switch (read_body(rq, &faults)) {
    case BODY_READ:
        break;
    case BODY_UNREADABLE:
        reply_error(rq, 400, "There was an error parsing the body");
        return false;
    case BODY_NO_MEMORY:
        reply_unavailable(rq);
        return false;
    }
    if (faults.count) {
        reply_faults(rq, &faults);
        return false;
    }
    return true;
}

static void run_forward(void *arg)
{
    forward(arg);
    answer_now(arg);
}

/* Whether User Progress answers the request, whatever it asks there. */
static bool is_forwarded(const struct request *rq)
{
    return rq->worker->api->asks_user_progress && forward_takes(rq);
}

/* Finds the row that describes what is forwarded, where there is one: logs and metrics name it. */
static void find_route(struct request *rq)
{
    struct route route;

    router_find(rq->worker->router, rq->head ? METHOD_GET : rq->method, rq->raw_path, &route);
    rq->route = route.endpoint;
}

/* The rest of a request whose token may be signed by a key that is newer than ours. */
static void run_after_refresh(void *arg)
{
    struct request *rq = arg;
    struct route route;

    auth_refresh(rq);
    bool passed = auth_check(rq, false) == AUTH_PASSED;
    if (passed && is_forwarded(rq))
        run_forward(rq);
    else if (passed && find_endpoint(rq, &route) && read_input(rq, &route))
        run_handler(rq);
    else
        answer_now(rq);
}

static void run_in_fiber(struct request *rq, void (*run)(void *arg))
{
    if (fiber_start(&rq->worker->fibers, run, rq))
        return;
    reply_unavailable(rq);
    answer_now(rq);
}

void request_start(struct request *rq)
{
    const struct settings *settings = rq->worker->settings;
    struct route route;

    rq->deadline = rq->worker->loop.now + settings->request_timeout * MILLISECOND;
    bool forwarded = is_forwarded(rq);
    if (forwarded)
        find_route(rq);
    if (cors_preflight(rq) || (!forwarded && !find_endpoint(rq, &route))) {
        answer_now(rq);
        return;
    }
    if (!forwarded && rq->endpoint->flags & ENDPOINT_REPORT)
        rq->deadline = rq->worker->loop.now + settings->report_timeout * MILLISECOND;
    switch (auth_check(rq, true)) {
    case AUTH_PASSED:
        break;
    case AUTH_REPLIED:
        answer_now(rq);
        return;
    case AUTH_STALE:
        run_in_fiber(rq, run_after_refresh);
        return;
    }
    if (forwarded) {
        run_in_fiber(rq, run_forward);
    } else if (!read_input(rq, &route)) {
        answer_now(rq);
    } else if (rq->endpoint->flags & ENDPOINT_DIRECT) {
        rq->endpoint->handle(rq);
        answer_now(rq);
    } else {
        run_in_fiber(rq, run_handler);
    }
}
