/* The lanes whose connections are opened only when they are needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/pg/lane.h"
#include "common/table/api.h"
#include "tests/unit/support/database.h"
#include "tests/unit/support/marks.h"

static int begin(void **state)
{
    (void)state;
    stand_defaults(database_url(0));
    marks_open();
    return 0;
}

static int end(void **state)
{
    (void)state;
    stand_close();
    return 0;
}

static void write_a_mark(struct job *job)
{
    static const struct endpoint of_many = {.flags = ENDPOINT_BATCH};
    struct mark mark = {text_of(job->token), 1};

    job->rq.endpoint = &of_many;
    if (!query_begin(&job->rq))
        return;
    job->answer = query_row(&job->rq, &insert_mark, &mark, NULL);
    job->held = query_commit(&job->rq);
}

static void a_lane_that_is_used_rarely_connects_on_use_and_closes_after_a_minute(void **state)
{
    struct lane *lane;

    (void)state;
    lane = stand_worker.pg->lanes[STATEMENT_INGEST];
    for (int round = 1; round <= 2; round++) {
        struct timer *timer = &lane->batches[0].timer;
        struct job job = {.run = write_a_mark, .token = "on demand"};
        assert_int_equal(lane_links(lane), 0);
        job_start(&job);
        job_await(&job);
        job_free(&job);
        assert_true(job.held);
        assert_int_equal(marks_of("on demand"), round);
        assert_int_equal(lane_links(lane), 1);
        assert_in_range(timer->at - stand_worker.loop.now, 50 * SECOND, 60 * SECOND);
        timer_cancel(&stand_worker.loop, timer);
        timer->fire(timer); /* as if the minute were over */
        for (int turn = 0; turn < 5; turn++)
            stand_turn();
    }
    assert_int_equal(lane_links(stand_worker.pg->lanes[STATEMENT_READ]), 1);
}

/* No connection stays behind for a server that has ended it, and the next use has a new one. */
static void a_lane_that_is_used_rarely_connects_again_on_use_alone(void **state)
{
    struct lane *lane;

    (void)state;
    lane = stand_worker.pg->lanes[STATEMENT_INGEST];
    for (int round = 0; round < 2; round++) {
        struct job job = {.run = write_a_mark, .token = "again"};
        job_start(&job);
        job_await(&job);
        job_free(&job);
        assert_true(job.held);
        sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'stand'");
        stand_await(lane_links(lane) == 0 && pg_ready(stand_worker.pg));
        assert_false(lane->batches[0].wanted);
    }
    assert_int_equal(marks_of("again"), 2);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        test(a_lane_that_is_used_rarely_connects_on_use_and_closes_after_a_minute),
        test(a_lane_that_is_used_rarely_connects_again_on_use_alone),
    };

    return cmocka_run_group_tests(tests, database_open, database_close);
}
