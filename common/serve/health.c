#include "common/serve/health.h"

#include "common/http/request.h"
#include "common/serve/part.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/watch/metrics_text.h"

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

const struct shape health_answer = {"Health", "The state of the service.", sizeof(struct health),
                                    health_fields, 1};

struct readiness {
    struct text status, parts;
};

static const struct field ready_fields[] = {
    {.name = "status",
     .type = FIELD_TEXT,
     .at = offsetof(struct readiness, status),
     .help = "ok",
     .example = "\"ok\""},
    {.name = "parts",
     .type = FIELD_OBJECT,
     .at = offsetof(struct readiness, parts),
     .help = "The state of each part: ok, unavailable, or what it still waits for.",
     .example = "{\"database\":\"ok\"}"},
};

const struct shape ready_answer = {
    .name = "Readiness",
    .help = "Whether the service can do its work.",
    .size = sizeof(struct readiness),
    .fields = ready_fields,
    .count = COUNT(ready_fields),
};

enum reply health_live(struct request *rq)
{
    return reply(rq, &health_answer, &(struct health){TEXT("ok")});
}

/* Asks every part; NULL, or the detail of the first needed one that is not ready. */
static const char *ask_parts(struct request *rq, struct writer *notes)
{
    const struct api *api = rq->worker->api;
    const struct part *part;
    const char *missing = NULL;

    write_char(notes, '{');
    for (size_t i = 0; (part = part_at(api, i)); i++) {
        const char *note = NULL;
        if (!part->ready)
            continue;
        bool ready = part->ready(rq, &note);
        if (!ready && part->needed && !missing)
            missing = note ? note : part->needed;
        write_text(notes, notes->len > 1 ? TEXT(",") : TEXT(""));
        write_json_text(notes, text_of(part->name));
        write_char(notes, ':');
        write_json_text(notes, text_of(note ? note : ready ? "ok" : "unavailable"));
    }
    write_char(notes, '}');
    return missing;
}

bool health_is_ready(struct request *rq)
{
    struct writer notes = writer_start(&rq->arena);

    return !ask_parts(rq, &notes);
}

enum reply health_ready(struct request *rq)
{
    struct writer notes = writer_start(&rq->arena);
    const char *missing = ask_parts(rq, &notes);

    if (missing)
        return reply_unavailable_because(rq, missing);
    if (notes.failed)
        return reply_unavailable(rq);
    return reply(rq, &ready_answer, &(struct readiness){TEXT("ok"), {notes.at, notes.len}});
}

enum reply health_metrics(struct request *rq)
{
    const struct worker *all = rq->worker->all;
    const struct metrics *metrics[WORKERS_MAX];
    size_t count = (size_t)rq->worker->settings->workers;

    for (size_t i = 0; i < count; i++)
        metrics[i] = &all[i].metrics;
    rq->arena.always = true; /* metrics are available even if memory is short */
    reply_text(rq, 200, METRICS_CONTENT_TYPE, TEXT(""));
    metrics_write(&rq->out, metrics, count);
    return REPLIED;
}

enum reply health_openapi(struct request *rq)
{
    return reply_text(rq, 200, "application/json", rq->worker->openapi);
}
