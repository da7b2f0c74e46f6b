#include "tests/unit/support/stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/fiber.h"
#include "common/pg/metrics.h"
#include "common/pg/session.h"

#define TURN (20 * MILLISECOND) /* a turn without events waits this long */

struct settings stand_settings;
struct worker stand_worker;
struct pg_metrics stand_metrics;
static struct api api;

void stand_defaults(const char *database_url)
{
    stand_settings = (struct settings){
        .pg.url = database_url,
        .pg.prepared_statements = true,
        .request_limit = 1000,
        .pg.queue_limit = 1000,
        .pg.batch_limit = 256,
        .pg.read_connections = 1,
        .pg.append_connections = 1,
        .pg.change_connections = 1,
        .pg.ingest_connections = 1,
        .pg.export_connections = 1,
        .pg.report_connections = 1,
        .pg.request_timeout = 3000,
        .pg.report_timeout = 3000,
        .pg.ingest_timeout = 3000,
        .pg.export_timeout = 3000,
    };
}

void stand_open(const char *schema)
{
    api = (struct api){.name = "stand", .schema = schema, .schema_version = 1};
    stand_worker = (struct worker){.settings = &stand_settings, .api = &api, .pg_metrics = &stand_metrics};
    stand_worker.fibers.limit = (size_t)stand_settings.request_limit;
    session_schema_doubt();
    assert_true(loop_open(&stand_worker.loop));
    const struct pg_schema tables = {"stand", schema, 1, "schema_version"};
    stand_worker.pg =
        pg_open(&stand_worker.loop, &stand_worker.fibers, &stand_settings.pg, &tables, &stand_metrics);
    assert_non_null(stand_worker.pg);
}

void stand_close(void)
{
    assert_int_equal(stand_worker.fibers.running, 0);
    pg_close(stand_worker.pg);
    fiber_pool_free(&stand_worker.fibers);
    loop_close(&stand_worker.loop);
}

void stand_turn(void)
{
    loop_turn(&stand_worker.loop, TURN);
    pg_flush(stand_worker.pg);
}

static void run_job(void *arg)
{
    struct job *job = arg;

    job->run(job);
    job->took = clock_monotonic() - job->rq.started;
    job->ended = true;
}

void job_start(struct job *job)
{
    stand_worker.loop.now = clock_monotonic();
    job->rq.loop = &stand_worker.loop;
    job->rq.worker = &stand_worker;
    job->rq.started = stand_worker.loop.now;
    job->rq.deadline = stand_worker.loop.now + stand_settings.pg.request_timeout * MILLISECOND;
    assert_true(fiber_start(&stand_worker.fibers, run_job, job));
}

void job_free(struct job *job)
{
    arena_free(&job->rq.arena);
}

void job_await(struct job *job)
{
    stand_await(job->ended);
}

enum query_result job_do(struct job job)
{
    job_start(&job);
    job_await(&job);
    job_free(&job);
    return job.answer;
}
