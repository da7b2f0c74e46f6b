/*
 * Writes whose connection breaks at each stage: what was acknowledged is there, nothing is there twice, and
 * what was refused by a transaction is not there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/declare.h"
#include "tests/unit/support/database.h"
#include "tests/unit/support/marks.h"
#include "tests/unit/support/proxy.h"

#define MANY 12

#define SILENT 4 /* connections: one for each lane that is always connected */

static int port;

static int begin(void **state)
{
    (void)state;
    port = proxy_open();
    stand_defaults(database_url(port));
    return 0;
}

static int end(void **state)
{
    (void)state;
    stand_close();
    proxy_close();
    return 0;
}

/* Faults that the connection dies of, and that the outcome can be found out after. */
static const enum proxy_fault cuts[] = {PROXY_CUT_BEFORE_RUN, PROXY_CUT_RESULTS,      PROXY_CUT_BEFORE_SYNC,
                                        PROXY_CUT_AFTER_SYNC, PROXY_LEAVE_AFTER_SYNC, PROXY_FATAL_AFTER_SYNC};
#define CUTS COUNT(cuts)

static void a_write_is_committed_exactly_once_wherever_its_connection_breaks(void **state)
{
    static const struct statement *const kinds[] = {&append_mark, &append_ratio, &insert_mark};

    (void)state;
    marks_open();
    for (size_t i = 0; i < CUTS; i++) {
        for (int kind = 0; kind < 3; kind++) {
            for (int times = 1; times <= 2; times++) {
                char token[40];
                snprintf(token, sizeof(token), "cut %zu %d %d", i, kind, times);
                proxy_set(cuts[i], times);
                assert_int_equal(job_do(job_of(kinds[kind], token, 1)), QUERY_ROW);
                assert_int_equal(proxy_left(), 0);
                assert_int_equal(marks_of(token), 1);
            }
        }
    }
}

static void all_calls_of_a_broken_batch_are_committed_exactly_once(void **state)
{
    static struct job jobs[MANY];
    static char tokens[MANY][40];

    (void)state;
    marks_open();
    for (size_t cut = 0; cut < CUTS; cut++) {
        proxy_set(cuts[cut], 1);
        for (int i = 0; i < MANY; i++) {
            snprintf(tokens[i], sizeof(tokens[i]), "batch %zu %d", cut, i);
            jobs[i] = job_of(i % 2 ? &append_mark : &append_ratio, tokens[i], 1);
            job_start(&jobs[i]);
        }
        for (int i = 0; i < MANY; i++) {
            job_await(&jobs[i]);
            assert_int_equal(jobs[i].answer, QUERY_ROW);
            assert_int_equal(jobs[i].rows.count, 1);
            assert_int_equal(marks_of(tokens[i]), 1);
            job_free(&jobs[i]);
        }
    }
}

/* Commits take until the gate is opened: a deferred trigger waits there. */
static void make_gate(bool closed)
{
    sql("CREATE TABLE IF NOT EXISTS gate (closed boolean);"
        "TRUNCATE gate; INSERT INTO gate VALUES (%s);"
        "CREATE OR REPLACE FUNCTION await_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        "  WHILE (SELECT closed FROM gate) LOOP PERFORM pg_sleep(0.01); END LOOP; RETURN NULL; END $$;"
        "DROP TRIGGER IF EXISTS gate ON marks;"
        "CREATE CONSTRAINT TRIGGER gate AFTER INSERT ON marks DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION await_gate()",
        closed ? "true" : "false");
}

/* The old transaction holds what settling has to look at for longer than a batch waits for locks. */
static void a_commit_that_ends_after_its_connection_is_not_repeated(void **state)
{
    static const struct statement *const kinds[] = {&append_mark, &insert_mark};

    (void)state;
    marks_open();
    for (int i = 0; i < 2; i++) {
        const char *token = i ? "late change" : "late append";
        struct job job = job_of(kinds[i], token, 1);
        make_gate(true);
        proxy_set(PROXY_LEAVE_AFTER_SYNC, 1);
        job_start(&job);
        stand_await(proxy_left() == 0);
        int64_t open_at = clock_monotonic() + 700 * MILLISECOND;
        stand_await(clock_monotonic() >= open_at);
        assert_false(job.ended);
        sql("UPDATE gate SET closed = false");
        job_await(&job);
        assert_int_equal(job.answer, QUERY_ROW);
        assert_int_equal(marks_of(token), 1);
        job_free(&job);
    }
    sql("DROP TRIGGER gate ON marks");
}

static void a_commit_without_an_answer_is_refused_at_the_deadline(void **state)
{
    struct job job = job_of(&append_mark, "muted", 1);

    (void)state;
    stand_settings.pg.request_timeout = 500;
    marks_open();
    proxy_set(PROXY_MUTE_AFTER_SYNC, 1);
    job_start(&job);
    job_await(&job);
    assert_int_equal(job.answer, QUERY_REPLIED);
    assert_true(job.took <= 600 * MILLISECOND);
    assert_int_equal(marks_of("muted"), 1);
    job_free(&job);
    assert_int_equal(job_do(job_of(&append_mark, "next", 1)), QUERY_ROW);
    assert_int_equal(marks_of("next"), 1);
}

/* Nobody answers the connection that is to find the outcome out. */
static void a_settlement_that_cannot_begin_is_refused_at_the_deadline(void **state)
{
    struct job job = job_of(&append_mark, "deaf", 1);

    (void)state;
    stand_settings.pg.request_timeout = 600;
    marks_open();
    proxy_set(PROXY_DEAF_AFTER_SYNC, 1);
    job_start(&job);
    job_await(&job);
    assert_int_equal(job.answer, QUERY_REPLIED);
    assert_true(job.took <= 800 * MILLISECOND);
    assert_int_equal(marks_of("deaf"), 1);
    job_free(&job);
    proxy_set(PROXY_NONE, 0);
    stand_await(pg_ready(stand_worker.pg));
    assert_int_equal(job_do(job_of(&append_mark, "heard", 1)), QUERY_ROW);
}

/* The deadline of one call passes while the outcome is being found out: only that one is refused. */
static void a_call_that_waits_for_a_settlement_is_answered_by_its_deadline(void **state)
{
    struct job hasty = job_of(&append_mark, "hasty", 1), patient = job_of(&append_mark, "patient", 1);

    (void)state;
    marks_open();
    make_gate(true);
    proxy_set(PROXY_LEAVE_AFTER_SYNC, 1);
    stand_settings.pg.request_timeout = 400;
    job_start(&hasty);
    stand_settings.pg.request_timeout = 3000;
    job_start(&patient);
    job_await(&hasty);
    assert_int_equal(hasty.answer, QUERY_REPLIED);
    assert_true(hasty.took <= 500 * MILLISECOND);
    assert_false(patient.ended);
    sql("UPDATE gate SET closed = false");
    job_await(&patient);
    assert_int_equal(patient.answer, QUERY_ROW);
    assert_int_equal(marks_of("patient"), 1);
    job_free(&hasty);
    job_free(&patient);
    sql("DROP TRIGGER gate ON marks");
}

static void two_inserts_and_commit(struct job *job)
{
    struct mark mark = {text_of(job->token), 1};

    assert_true(query_begin(&job->rq));
    job->answer = query_row(&job->rq, &insert_mark, &mark, NULL);
    if (job->answer == QUERY_ROW)
        job->answer = query_row(&job->rq, &insert_mark, &mark, NULL);
    job->held = query_commit(&job->rq);
}

static void a_broken_transaction_is_committed_as_a_whole_or_refused(void **state)
{
    (void)state;
    marks_open();
    for (size_t i = 0; i < CUTS; i++) {
        for (int times = 1; times <= 2; times++) {
            struct job job = {.run = two_inserts_and_commit};
            char token[40];
            snprintf(token, sizeof(token), "transaction %zu %d", i, times);
            job.token = token;
            proxy_set(cuts[i], times);
            job_start(&job);
            job_await(&job);
            proxy_set(PROXY_NONE, 0);
            bool committed = cuts[i] == PROXY_CUT_AFTER_SYNC || cuts[i] == PROXY_LEAVE_AFTER_SYNC ||
                             cuts[i] == PROXY_FATAL_AFTER_SYNC;
            assert_int_equal(job.held, committed);
            assert_int_equal(marks_of(token), committed ? 2 : 0);
            assert_int_equal(job.rq.status, committed ? 0 : 503);
            job_free(&job);
        }
    }
}

/* All of the first connections: none finds out that there is a schema. */
static void connections_that_fall_silent_while_they_are_set_up_are_replaced(void **state)
{
    (void)state;
    marks_open();
    stand_close();
    proxy_set(PROXY_MUTE_AT_SETUP, SILENT);
    stand_open(marks_schema);
    stand_await(pg_ready(stand_worker.pg));
    assert_int_equal(proxy_left(), 0);
    assert_int_equal(job_do(job_of(&append_mark, "replaced", 1)), QUERY_ROW);
}

/* The error comes in a packet of its own, before the server is ready for what follows. */
static void a_schema_that_cannot_be_created_does_not_count_as_created(void **state)
{
    (void)state;
    sql("DROP TABLE schema_version");
    proxy_set(PROXY_LATE_READY, 1000);
    stand_open("SELECT 1 / 0");
    int64_t until = clock_monotonic() + 2 * SECOND;
    stand_await(clock_monotonic() > until || pg_ready(stand_worker.pg));
    assert_false(pg_ready(stand_worker.pg));
    assert_string_equal(sql("SELECT to_regclass('schema_version') IS NULL"), "t");
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_write_is_committed_exactly_once_wherever_its_connection_breaks),
        test(all_calls_of_a_broken_batch_are_committed_exactly_once),
        test(a_commit_that_ends_after_its_connection_is_not_repeated),
        test(a_commit_without_an_answer_is_refused_at_the_deadline),
        test(a_settlement_that_cannot_begin_is_refused_at_the_deadline),
        test(a_call_that_waits_for_a_settlement_is_answered_by_its_deadline),
        test(a_broken_transaction_is_committed_as_a_whole_or_refused),
        test(connections_that_fall_silent_while_they_are_set_up_are_replaced),
        test(a_schema_that_cannot_be_created_does_not_count_as_created),
    };

    return cmocka_run_group_tests(tests, database_open, database_close);
}
