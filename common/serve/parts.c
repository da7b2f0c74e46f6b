#include "common/serve/part.h"

#include "common/auth/auth.h"
#include "common/http/client.h"
#include "common/http/request.h"
#include "common/pg/pg.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/watch/request_log.h"

static bool open_log(struct worker *worker, bool first)
{
    (void)first;
    worker->request_log = request_log_open(&worker->loop, &worker->settings->watch);
    return worker->request_log != NULL;
}

static void close_log(struct worker *worker)
{
    request_log_close(worker->request_log);
    worker->request_log = NULL;
}

static void write_log(struct worker *worker)
{
    request_log_flush(worker->request_log);
}

static bool open_database(struct worker *worker, bool first)
{
    const struct api *api = worker->api;
    const struct pg_schema schema = {api->name, api->schema, api->schema_version, api->table};

    (void)first;
    worker->pg = pg_open(&worker->loop, &worker->fibers, &worker->settings->pg, &schema, worker->pg_metrics);
    return worker->pg != NULL;
}

static void close_database(struct worker *worker)
{
    pg_close(worker->pg);
    worker->pg = NULL;
}

static void flush_database(struct worker *worker)
{
    pg_flush(worker->pg);
}

static bool open_client(struct worker *worker, bool first)
{
    (void)first;
    worker->client = client_open(&worker->loop, &worker->settings->client);
    return worker->client != NULL;
}

static void close_client(struct worker *worker)
{
    client_close(worker->client);
    worker->client = NULL;
}

static bool open_auth(struct worker *worker, bool first)
{
    const struct auth_base base = {
        .settings = &worker->settings->auth,
        .keyset = worker->keyset,
        .loop = &worker->loop,
        .fibers = &worker->fibers,
        .client = worker->client,
    };

    worker->auth = auth_open(&base, first);
    return worker->auth != NULL;
}

static void close_auth(struct worker *worker)
{
    auth_close(worker->auth);
    worker->auth = NULL;
}

/* Of all workers, since any of them may get the next request. */
static bool is_database_ready(struct request *rq, const char **note)
{
    const struct worker *worker = rq->worker;
    bool ready = pg_ready(worker->pg);

    for (int64_t i = 0; ready && i < worker->settings->workers; i++)
        ready = &worker->all[i] == worker || pg_was_ready(worker->all[i].pg_metrics);
    if (!ready && pg_schema_awaited())
        *note =
            "The database does not have this version's schema: its owner makes it with the command schema";
    return ready;
}

static const struct part request_lines = {
    .name = "log", .open = open_log, .close = close_log, .end_turn = write_log};

const struct part part_database = {
    .name = "database",
    .open = open_database,
    .close = close_database,
    .flush = flush_database,
    .ready = is_database_ready,
    .needed = "The database is not available",
};

static const struct part client = {.name = "client", .open = open_client, .close = close_client};
static const struct part tokens = {.name = "auth", .open = open_auth, .close = close_auth};

static const struct part *const own[] = {&request_lines, &part_database, &client, &tokens};

const struct part *part_at(const struct api *api, size_t i)
{
    if (i < COUNT(own))
        return own[i];
    return i - COUNT(own) < api->part_count ? api->parts[i - COUNT(own)] : NULL;
}

bool parts_open(struct worker *worker, bool first)
{
    const struct part *part;

    for (size_t i = 0; (part = part_at(worker->api, i)); i++)
        if (part->open && !part->open(worker, first))
            return false;
    return true;
}

void parts_close(struct worker *worker)
{
    for (size_t i = COUNT(own) + worker->api->part_count; i--;) {
        const struct part *part = part_at(worker->api, i);
        if (part->close)
            part->close(worker);
    }
}

bool parts_prepare(struct request *rq)
{
    const struct part *part;
    bool prepared = true;

    for (size_t i = 0; (part = part_at(rq->worker->api, i)); i++)
        if (part->prepare && !part->prepare(rq))
            prepared = false;
    return prepared;
}

void parts_flush(struct worker *worker)
{
    const struct part *part;

    for (size_t i = 0; (part = part_at(worker->api, i)); i++)
        if (part->flush)
            part->flush(worker);
}

void parts_end_turn(struct worker *worker)
{
    const struct part *part;

    for (size_t i = 0; (part = part_at(worker->api, i)); i++)
        if (part->end_turn)
            part->end_turn(worker);
}
