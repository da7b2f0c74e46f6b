/* Transactions of one request on a real PostgreSQL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/database.h"
#include "tests/unit/support/marks.h"

static int begin(void **state)
{
    (void)state;
    stand_defaults(database_url(0));
    return 0;
}

static int end(void **state)
{
    (void)state;
    stand_close();
    return 0;
}

static void two_inserts_and_commit(struct job *job)
{
    struct mark mark = {text_of(job->token), 1};

    if (!query_begin(&job->rq))
        return;
    job->answer = query_row(&job->rq, &insert_mark, &mark, NULL);
    if (job->answer == QUERY_ROW)
        job->answer = query_row(&job->rq, &insert_mark, &mark, NULL);
    job->held = query_commit(&job->rq);
}

static void an_insert_and_rollback(struct job *job)
{
    struct mark mark = {text_of(job->token), 1};

    job->held = query_begin(&job->rq);
    job->answer = query_row(&job->rq, &insert_mark, &mark, NULL);
    query_rollback(&job->rq);
}

/* What breaks a constraint ends the transaction, and everything of it is undone. */
static void a_conflict_inside(struct job *job)
{
    struct mark mark = {text_of(job->token), 7};

    assert_true(query_begin(&job->rq));
    assert_int_equal(query_row(&job->rq, &insert_mark, &mark, NULL), QUERY_ROW);
    assert_int_equal(query_row(&job->rq, &insert_slot, &mark, NULL), QUERY_ROW);
    job->answer = query_row(&job->rq, &insert_slot, &mark, NULL);
    assert_int_equal(query_row(&job->rq, &insert_mark, &mark, NULL), QUERY_REPLIED);
    job->held = query_commit(&job->rq);
}

static void an_inner_rollback_dooms_the_outer_one(struct job *job)
{
    struct mark mark = {text_of(job->token), 1};

    assert_true(query_begin(&job->rq));
    job->answer = query_row(&job->rq, &insert_mark, &mark, NULL);
    assert_true(query_begin(&job->rq));
    query_rollback(&job->rq);
    job->held = query_commit(&job->rq);
}

static void nothing_and_commit(struct job *job)
{
    assert_true(query_begin(&job->rq));
    job->held = query_commit(&job->rq);
}

static void transactions_are_committed_or_rolled_back_as_a_whole(void **state)
{
    static const struct {
        void (*run)(struct job *job);
        const char *token;
        enum query_result answer;
        bool held;
        int marks;
    } cases[] = {
        {two_inserts_and_commit, "committed", QUERY_ROW, true, 2},
        {an_insert_and_rollback, "rolled back", QUERY_ROW, true, 0},
        {a_conflict_inside, "conflict", QUERY_CONFLICT, false, 0},
        {an_inner_rollback_dooms_the_outer_one, "doomed", QUERY_ROW, true, 0},
        {nothing_and_commit, "nothing", QUERY_ROW, true, 0},
    };

    (void)state;
    marks_open();
    sql("TRUNCATE slots");
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT(cases); i++) {
            struct job job = {.run = cases[i].run, .token = cases[i].token};
            job_start(&job);
            job_await(&job);
            assert_int_equal(job.answer, cases[i].answer);
            assert_int_equal(job.held, cases[i].held);
            assert_int_equal(marks_of(cases[i].token), cases[i].marks * (round + 1));
            assert_null(job.rq.transaction);
            job_free(&job);
        }
    }
    assert_int_equal(sql_number("SELECT count(*) FROM slots"), 0);
}

static void hold_for_long(struct job *job)
{
    struct job slow = job_of(&read_slowly, "", 400);
    struct mark mark = {text_of(slow.token), slow.number};

    assert_true(query_begin(&job->rq));
    job->answer = query_row(&job->rq, &read_slowly, &mark, NULL);
    job->held = query_commit(&job->rq);
}

static void a_transaction_waits_for_a_connection_until_its_deadline(void **state)
{
    struct job holder = {.run = hold_for_long}, patient = {.run = two_inserts_and_commit, .token = "patient"},
               hasty = {.run = two_inserts_and_commit, .token = "hasty", .answer = QUERY_NONE};

    (void)state;
    marks_open();
    job_start(&holder);
    stand_turn();
    job_start(&patient);
    stand_settings.pg.request_timeout = 100;
    job_start(&hasty);
    stand_settings.pg.request_timeout = 3000;
    job_await(&hasty);
    assert_int_equal(hasty.rq.status, 503);
    assert_true(hasty.took <= 200 * MILLISECOND);
    assert_false(patient.ended);
    job_await(&holder);
    job_await(&patient);
    assert_true(holder.held && patient.held);
    assert_int_equal(marks_of("patient"), 2);
    assert_int_equal(marks_of("hasty"), 0);
    job_free(&holder);
    job_free(&patient);
    job_free(&hasty);
}

static void kill_inside(struct job *job)
{
    struct mark mark = {text_of(job->token), 1};

    assert_true(query_begin(&job->rq));
    assert_int_equal(query_row(&job->rq, &insert_mark, &mark, NULL), QUERY_ROW);
    sql("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'stand'");
    job->answer = query_row(&job->rq, &insert_mark, &mark, NULL);
    job->held = query_commit(&job->rq);
}

static void a_transaction_whose_backend_dies_is_not_committed(void **state)
{
    struct job job = {.run = kill_inside, .token = "killed"};

    (void)state;
    marks_open();
    job_start(&job);
    job_await(&job);
    assert_int_equal(job.answer, QUERY_REPLIED);
    assert_false(job.held);
    assert_int_equal(job.rq.status, 503);
    assert_int_equal(marks_of("killed"), 0);
    job_free(&job);
    assert_int_equal(job_do((struct job){.run = two_inserts_and_commit, .token = "next"}), QUERY_ROW);
    assert_int_equal(marks_of("next"), 2);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(transactions_are_committed_or_rolled_back_as_a_whole),
        test(a_transaction_waits_for_a_connection_until_its_deadline),
        test(a_transaction_whose_backend_dies_is_not_committed),
    };

    return cmocka_run_group_tests(tests, database_open, database_close);
}
