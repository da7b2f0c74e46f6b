/*
 * Every endpoint of every service, from its raw target and body to the structs that its handler gets: input
 * is within the bounds that its shapes declare, or is refused below 500 with an answer that is JSON.
 *
 * An input is `N METHOD target`, the Content-Type and the body, a line each; N is the service.
 */
#include <string.h>

#include "common/http/request.h"
#include "common/http/target.h"
#include "common/serve/input.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/table/router.h"
#include "tests/fuzz/support/fuzz.h"
#include "tests/fuzz/support/structs.h"

#define BODY_LIMIT ((size_t)64 << 10) /* bytes, expanded */

static struct settings settings = {.http.body_limit = BODY_LIMIT, .ingest.body_limit = BODY_LIMIT};
static const struct router *routers[FUZZ_SERVICES];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    shape_set_limits(&(struct shape_limits){.text = STRUCTS_TEXT, .list = STRUCTS_LIST});
    for (size_t i = 0; i < FUZZ_SERVICES; i++) {
        routers[i] = router_open(fuzz_apis[i]);
        HOLDS(routers[i]);
    }
    return 0;
}

/* Finds the endpoint; what the router says of the path follows from the table. */
static void find(struct request *rq, const struct router *router)
{
    struct route route;

    router_find(router, rq->method, rq->raw_path, &route);
    rq->endpoint = rq->route = route.endpoint;
    rq->parameter_count = route.parameter_count;
    memcpy(rq->parameters, route.parameters, sizeof(rq->parameters));
    HOLDS(!route.endpoint || route.allowed & 1u << rq->method);
    if (!route.endpoint)
        return;
    HOLDS(!route.endpoint->path_in || route.parameter_count == route.endpoint->path_in->count);
    for (size_t i = 0; i < route.parameter_count; i++)
        HOLDS(route.parameters[i].value.len &&
              !memchr(route.parameters[i].value.at, '/', route.parameters[i].value.len));
}

static void check_refusal(const struct request *rq)
{
    static const int statuses[] = {400, 404, 413, 415, 422};
    bool known = false;

    for (size_t i = 0; i < COUNT(statuses); i++)
        known = known || rq->status == statuses[i];
    HOLDS(known && !rq->out.failed);
    HOLDS(fuzz_is_json((struct text){rq->out.at, rq->out.len}));
}

/* The body, or an item of a batch: read by its shape, the whole tree and what the view sees of it are the
 * same. */
static void read_by_shape(struct request *rq)
{
    const struct shape *shape = rq->endpoint->body_in;
    const struct json_view view = shape_view(shape);
    const struct json *seen, *whole;
    struct json_error error;

    enum json_status status = json_parse(&rq->arena, rq->body_bytes, &whole, &error);
    HOLDS(json_parse_seen(&rq->arena, rq->body_bytes, &view, &seen, &error) == status);
    if (status != JSON_OK)
        return;
    void *of_seen = arena_zalloc(&rq->arena, shape->size), *of_whole = arena_zalloc(&rq->arena, shape->size);
    struct faults some = faults_start(&rq->arena), same = faults_start(&rq->arena);
    HOLDS(of_seen && of_whole);
    HOLDS(shape_read_json(shape, &rq->arena, seen, of_seen, &some));
    HOLDS(shape_read_json(shape, &rq->arena, whole, of_whole, &same));
    HOLDS(some.count == same.count && !some.out.failed);
    HOLDS(text_equal((struct text){some.out.at, some.out.len}, (struct text){same.out.at, same.out.len}));
    if (some.count)
        return;
    HOLDS(text_equal(struct_print(&rq->arena, shape, of_seen), struct_print(&rq->arena, shape, of_whole)));
    struct_check(&rq->arena, shape, of_seen);
}

static void run(struct request *rq, const struct router *router)
{
    find(rq, router);
    if (!rq->endpoint)
        return;
    if (!input_read(rq)) {
        check_refusal(rq);
        return;
    }
    HOLDS(!rq->status && !rq->endpoint->path_in == !rq->path && !rq->endpoint->query_in == !rq->query);
    if (rq->path)
        struct_check(&rq->arena, rq->endpoint->path_in, rq->path);
    if (rq->query)
        struct_check(&rq->arena, rq->endpoint->query_in, rq->query);
    if (rq->body)
        struct_check(&rq->arena, rq->endpoint->body_in, rq->body);
    if (rq->endpoint->body_in && rq->body_bytes.len && !(rq->endpoint->flags & ENDPOINT_LENIENT))
        read_by_shape(rq);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct text left = {len ? (const char *)bytes : "", len};
    unsigned service = fuzz_byte(&left) % FUZZ_SERVICES;
    struct worker worker = {.settings = &settings, .api = fuzz_apis[service], .router = routers[service]};
    struct request rq = {.worker = &worker};

    fuzz_byte(&left);
    rq.method_name = fuzz_take(&left, ' ');
    rq.method = method_of(rq.method_name);
    rq.target = fuzz_take(&left, '\n');
    rq.headers.content_type = fuzz_take(&left, '\n');
    if (!rq.headers.content_type.len)
        rq.headers.content_type = TEXT_NULL;
    if (text_equal(rq.headers.content_type, TEXT("gzip"))) {
        rq.headers.content_type = TEXT_NULL;
        rq.headers.content_encoding = TEXT("gzip");
    }
    rq.body_bytes = left;
    if (target_split(rq.target, &rq.raw_path, &rq.raw_query))
        run(&rq, routers[service]);
    arena_free(&rq.arena);
    return 0;
}
