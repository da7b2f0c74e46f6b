#include "common/serve/health.h"

#include "common/http/request.h"
#include "common/pg/pg.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/watch/metrics_text.h"
#include "directory/lookup.h"
#include "directory/lookup_plain.h"

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
    if (!pg_ready(rq->worker->pg))
        return reply_unavailable_because(rq, "The database is not available");
    if (rq->worker->api->asks_user_progress && !lookup_reaches(rq)) {
        lookup_reply_unavailable(rq);
        return REPLIED;
    }
    return reply(rq, &health_answer, &(struct health){TEXT("ok")});
}

enum reply health_metrics(struct request *rq)
{
    const struct worker *all = rq->worker->all;
    const struct metrics *metrics[WORKERS_MAX];
    size_t count = (size_t)rq->worker->settings->workers;

    for (size_t i = 0; i < count; i++)
        metrics[i] = &all[i].metrics;
    reply_text(rq, 200, METRICS_CONTENT_TYPE, TEXT(""));
    metrics_write(&rq->out, metrics, count);
    return REPLIED;
}

enum reply health_openapi(struct request *rq)
{
    return reply_text(rq, 200, "application/json", rq->worker->openapi);
}
