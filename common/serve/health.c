#include "common/serve/health.h"

#include "common/http/request.h"
#include "common/pg/pg.h"
#include "common/serve/worker.h"
#include "directory/lookup.h"

struct health {
    struct text status;
};

static const struct field health_fields[] = {
    {.name = "status",
     .type = FIELD_TEXT,
     .at = offsetof(struct health, status),
     .help = "ok",
     .example = "\"ok\""},
};

const struct shape health_answer = {"Health", "How the service is.", sizeof(struct health), health_fields, 1};

enum reply health_live(struct request *rq)
{
    return reply(rq, &health_answer, &(struct health){TEXT("ok")});
}

enum reply health_ready(struct request *rq)
{
    if (!pg_ready(rq->worker))
        return reply_unavailable_because(rq, "The database is not available");
    if (rq->worker->api->asks_user_progress && !lookup_reaches(rq)) {
        lookup_reply_unavailable(rq);
        return REPLIED;
    }
    return reply(rq, &health_answer, &(struct health){TEXT("ok")});
}

enum reply health_openapi(struct request *rq)
{
    return reply_text(rq, 200, "application/json", rq->worker->openapi);
}
