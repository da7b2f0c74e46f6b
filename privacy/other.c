#include "privacy/other.h"

#include "common/http/client.h"
#include "common/http/request.h"
#include "common/http/url.h"
#include "common/json/json.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "directory/lookup_call.h"

static const char *base_of(const struct settings *settings, enum other other)
{
    return other == OTHER_PERFORMANCE ? settings->directory.performance_reporting_url
                                      : settings->directory.usage_analytics_url;
}

const char *other_name(enum other other)
{
    return other == OTHER_PERFORMANCE ? "performance-reporting" : "usage-analytics";
}

char *other_url(struct request *rq, enum other other, const char *before, struct text segment,
                const char *after)
{
    char *url = url_below(&rq->arena, base_of(rq->worker->settings, other), before, segment);

    return url ? arena_printf(&rq->arena, "%s%s", url, after) : NULL;
}

/* Whether it is a service of ours that has no SERVICE_TOKEN. */
static bool has_no_token(struct request *rq, const struct client_call *call)
{
    const struct json *root;
    struct json_error error;

    if (call->status != 503 || json_parse(&rq->arena, call->answer, &root, &error) != JSON_OK)
        return false;
    return json_type(root) == JSON_OBJECT && json_member(root, "message");
}

enum other_state other_call(struct request *rq, struct client_call *call, const char **why)
{
    if (!rq->worker->settings->auth.service_token) {
        *why = "SERVICE_TOKEN is not set";
        return OTHER_BLOCKED;
    }
    if (!call->arena)
        call->arena = &rq->arena;
    client_trace(call, rq);
    lookup_authorize(call, rq);
    if (!call->url || !client_run(rq->worker->client, call)) {
        *why = "does not answer";
        return OTHER_AWAY;
    }
    if (call->status == 200)
        return OTHER_ANSWERED;
    if (call->status == 404 || call->status == 405)
        *why = "does not offer erasure";
    else if (call->status == 401 || call->status == 403)
        *why = "does not accept SERVICE_TOKEN";
    else if (has_no_token(rq, call))
        *why = "has no SERVICE_TOKEN";
    else {
        *why = "cannot answer now";
        return OTHER_AWAY;
    }
    return OTHER_BLOCKED;
}
