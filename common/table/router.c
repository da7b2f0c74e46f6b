#include "common/table/router.h"

#include <stdlib.h>

#define METHODS (METHOD_OTHER + 1)

struct pattern {
    struct text segments[SEGMENTS_MAX]; /* at == NULL: a parameter, named by `names` */
    struct text names[SEGMENTS_MAX];
    size_t count;
};

struct router {
    const struct api *api;
    struct pattern patterns[]; /* one per endpoint */
};

const char *const method_names[] = {"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "OTHER"};

enum method method_of(struct text name)
{
    for (int i = 0; i < METHOD_OTHER; i++)
        if (text_equal(name, text_of(method_names[i])))
            return (enum method)i;
    return METHOD_OTHER;
}

/* Splits the path after its leading slash; SEGMENTS_MAX + 1 if there are too many segments. */
static size_t split(struct text path, struct text segments[SEGMENTS_MAX])
{
    size_t count = 0;
    const char *at = path.at + 1;
    const char *end = path.at + path.len;

    if (!path.len || path.at[0] != '/')
        return SEGMENTS_MAX + 1;
    for (;;) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        if (count == SEGMENTS_MAX)
            return SEGMENTS_MAX + 1;
        segments[count++] = (struct text){at, (size_t)((slash ? slash : end) - at)};
        if (!slash)
            return count;
        at = slash + 1;
    }
}

struct router *router_open(const struct api *api)
{
    struct router *router = calloc(1, sizeof(*router) + api->endpoint_count * sizeof(router->patterns[0]));

    if (!router)
        return NULL;
    router->api = api;
    for (size_t i = 0; i < api->endpoint_count; i++) {
        struct pattern *p = &router->patterns[i];
        p->count = split(text_of(api->endpoints[i].path), p->segments);
        for (size_t k = 0; k < p->count; k++) {
            struct text s = p->segments[k];
            if (s.len > 2 && s.at[0] == '{') {
                p->names[k] = (struct text){s.at + 1, s.len - 2};
                p->segments[k] = TEXT_NULL;
            }
        }
    }
    return router;
}

void router_close(struct router *router)
{
    free(router);
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The value of a percent-encoded byte at `t.at[i]`, or -1 if there is none. */
static int encoded_byte(struct text t, size_t i)
{
    int high = t.at[i] == '%' && i + 2 < t.len ? hex(t.at[i + 1]) : -1;
    int low = high >= 0 ? hex(t.at[i + 2]) : -1;

    return low >= 0 ? high << 4 | low : -1;
}

/* Whether a raw segment, decoded, is the one in the table. */
static bool segment_is(struct text raw, struct text wanted)
{
    size_t len = 0;

    if (text_equal(raw, wanted))
        return true;
    for (size_t i = 0; i < raw.len; i++) {
        int byte = encoded_byte(raw, i);
        char c = byte < 0 ? raw.at[i] : (char)byte;
        if (len == wanted.len || wanted.at[len++] != c)
            return false;
        i += byte < 0 ? 0 : 2;
    }
    return len == wanted.len;
}

static bool matches(const struct pattern *p, const struct text *segments, size_t count)
{
    if (p->count != count)
        return false;
    for (size_t k = 0; k < count; k++) {
        if (p->segments[k].at ? !segment_is(segments[k], p->segments[k]) : segments[k].len == 0)
            return false;
    }
    return true;
}

void router_find(const struct router *router, enum method method, struct text raw_path, struct route *route)
{
    struct text segments[SEGMENTS_MAX] = {TEXT_NULL};
    size_t count = split(raw_path, segments);

    route->endpoint = NULL;
    route->allowed = 0;
    route->parameter_count = 0;
    for (size_t i = 0; i < router->api->endpoint_count; i++) {
        const struct endpoint *endpoint = &router->api->endpoints[i];
        const struct pattern *p = &router->patterns[i];
        if (!matches(p, segments, count))
            continue;
        route->allowed |= 1u << endpoint->method;
        if (endpoint->method == METHOD_GET)
            route->allowed |= 1u << METHOD_HEAD;
        if (endpoint->method != method)
            continue;
        route->endpoint = endpoint;
        for (size_t k = 0; k < count; k++)
            if (p->names[k].at)
                route->parameters[route->parameter_count++] = (struct named_text){p->names[k], segments[k]};
        return;
    }
}

struct text percent_decode(struct arena *arena, struct text raw, bool plus)
{
    if (!memchr(raw.at, '%', raw.len) && !(plus && memchr(raw.at, '+', raw.len)))
        return raw;
    char *out = arena_alloc(arena, raw.len);
    size_t len = 0;
    if (!out)
        return TEXT_NULL;
    for (size_t i = 0; i < raw.len; i++) {
        int byte = encoded_byte(raw, i);
        if (byte >= 0) {
            out[len++] = (char)byte;
            i += 2;
        } else {
            out[len++] = plus && raw.at[i] == '+' ? ' ' : raw.at[i];
        }
    }
    return (struct text){out, len};
}
