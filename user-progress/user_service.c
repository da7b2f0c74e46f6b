#include "user-progress/user_service.h"

#include "common/http/client.h"
#include "common/http/request.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"

#define ANSWER_LIMIT ((size_t)1 << 20) /* bytes: what it says of the user is not looked at */

bool user_service_require(struct request *rq, struct text user_id)
{
    const struct settings *s = rq->worker->settings;
    struct client_call call = {.arena = &rq->arena,
                               .method = "GET",
                               .url = client_url(rq, s->directory.user_service_url, "/", user_id),
                               .answer_limit = ANSWER_LIMIT,
                               .deadline = rq->loop->now + s->directory.timeout * MILLISECOND};

    client_trace(&call, rq);
    if (!call.url || !client_run(rq, &call) || (call.status != 200 && call.status != 404)) {
        reply_unavailable_because(rq, "The service that knows the users is unavailable");
        return false;
    }
    if (call.status == 200)
        return true;
    reply_member(rq, 400, "message", NO_SUCH_USER);
    return false;
}
