#include "user-progress/user_service.h"

#include "common/http/client.h"
#include "common/http/request.h"
#include "common/http/url.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "directory/lookup_call.h"

#define ANSWER_LIMIT ((size_t)1 << 20) /* bytes; the body of the answer is not looked into */

static bool refuse(struct request *rq)
{
    reply_member(rq, 400, "message", NO_SUCH_USER);
    return false;
}

bool user_service_require(struct request *rq, struct text user_id)
{
    const struct settings *s = rq->worker->settings;
    struct client_call call = {.arena = &rq->arena,
                               .method = "GET",
                               .url = url_below(&rq->arena, s->directory.user_service_url, "/", user_id),
                               .answer_limit = ANSWER_LIMIT,
                               .deadline = lookup_deadline(rq)};

    int64_t since = rq->loop->now;

    if (!url_is_segment(user_id))
        return refuse(rq); /* the list of users would answer for it */
    client_trace(&call, rq);
    bool answered = call.url && client_run(rq->worker->client, &call);
    rq->timing.lookup += rq->loop->now - since;
    if (!answered || (call.status != 200 && call.status != 404)) {
        reply_unavailable_because(rq, "The service that knows the users is unavailable");
        return false;
    }
    return call.status == 200 || refuse(rq);
}
