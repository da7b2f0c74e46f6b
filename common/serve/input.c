#include "common/serve/input.h"

#include "common/http/body.h"
#include "common/http/request.h"
#include "common/http/target.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/table/router.h"

/* Whether a segment or parameter is UTF-8 without NUL. */
static bool readable(struct text t)
{
    return t.at && !memchr(t.at, '\0', t.len) && text_is_utf8(t);
}

static bool read_path(struct request *rq, struct faults *faults, bool *found)
{
    const struct shape *shape = rq->endpoint->path_in;

    *found = true;
    if (!shape)
        return true;
    for (size_t i = 0; i < rq->parameter_count; i++) {
        struct text value = percent_decode(&rq->arena, rq->parameters[i].value, false);
        if (!value.at)
            return false;
        rq->parameters[i].value = value;
        *found = *found && readable(value);
    }
    void *into = arena_zalloc(&rq->arena, shape->size);
    rq->path = into;
    return into && (!*found || shape_read_texts(shape, &rq->arena, rq->parameters, rq->parameter_count,
                                                FAULT_PATH, into, faults));
}

/* Replaces invalid UTF-8 in a query by U+FFFD, as the original's parser does. */
static struct text query_text(struct request *rq, struct text raw)
{
    struct text t = percent_decode(&rq->arena, raw, true);

    return !t.at || readable(t) ? t : TEXT("\xef\xbf\xbd");
}

static bool read_query(struct request *rq, struct faults *faults)
{
    const struct shape *shape = rq->endpoint->query_in;
    struct named_text parameters[PARAMETERS_MAX];
    struct text left = rq->raw_query, name, value;
    size_t count = 0;

    if (!shape)
        return true;
    for (; count < PARAMETERS_MAX && target_take_parameter(&left, &name, &value); count++) {
        parameters[count] = (struct named_text){query_text(rq, name), query_text(rq, value)};
        if (!parameters[count].name.at || !parameters[count].value.at)
            return false;
    }
    void *into = arena_zalloc(&rq->arena, shape->size);
    rq->query = into;
    return into && shape_read_texts(shape, &rq->arena, parameters, count, FAULT_QUERY, into, faults);
}

enum body_status { BODY_READ, BODY_UNREADABLE, BODY_NO_MEMORY };

static enum body_status read_body(struct request *rq, struct faults *faults)
{
    const struct shape *shape = rq->endpoint->body_in;
    const struct json *value = NULL;
    struct json_error error;

    if (!shape || rq->endpoint->flags & (ENDPOINT_LENIENT | ENDPOINT_BATCH))
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
        const struct json_view view = shape_view(shape);
        switch (json_parse_seen(&rq->arena, rq->body_bytes, &view, &value, &error)) {
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

bool input_read(struct request *rq)
{
    struct faults faults = faults_start(&rq->arena);
    bool found;

    const struct settings *settings = rq->worker->settings;
    bool many = rq->endpoint->flags & ENDPOINT_BATCH;

    if (!body_decode(rq, (size_t)(many ? settings->ingest.body_limit : settings->http.body_limit), many))
        return false;
    if (!read_path(rq, &faults, &found) || !read_query(rq, &faults)) {
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
