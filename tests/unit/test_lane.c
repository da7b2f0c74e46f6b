/* Lanes on a real PostgreSQL: batches, deadlines, locks. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include <cmocka.h>

#include "common/base/declare.h"
#include "tests/unit/support/database.h"
#include "tests/unit/support/marks.h"

#define FEW  16 /* calls that go together whatever else there is */
#define MANY 60

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

static void each_call_of_a_set_statement_gets_its_own_rows(void **state)
{
    static struct job jobs[MANY];

    (void)state;
    marks_open();
    for (int i = 0; i < MANY; i++) {
        jobs[i] = job_of(&read_series, "", i % 7);
        job_start(&jobs[i]);
    }
    for (int i = 0; i < MANY; i++) {
        const struct number *rows;
        job_await(&jobs[i]);
        assert_int_equal(jobs[i].answer, i % 7 ? QUERY_ROW : QUERY_NONE);
        assert_int_equal(jobs[i].rows.count, i % 7);
        rows = jobs[i].rows.items;
        for (size_t k = 0; k < jobs[i].rows.count; k++)
            assert_int_equal(rows[k].n, k + 1);
        job_free(&jobs[i]);
    }
}

/* Appends as many rows at once; how many transactions they came in, each without a gap. */
static int transactions_of(int count, const char *token)
{
    static struct job jobs[MANY];
    static char tokens[MANY][40];
    int64_t last = 0;
    int transactions = 0;

    for (int i = 0; i < count; i++) {
        snprintf(tokens[i], sizeof(tokens[i]), "%s %d", token, i);
        jobs[i] = job_of(i % 2 ? &append_mark : &append_ratio, tokens[i], 1);
        job_start(&jobs[i]);
    }
    for (int i = 0; i < count; i++) {
        job_await(&jobs[i]);
        assert_int_equal(jobs[i].answer, QUERY_ROW);
        int64_t own = ((const struct number *)jobs[i].rows.items)->n;
        transactions += own != last;
        last = own;
        job_free(&jobs[i]);
    }
    assert_int_equal(sql_number("SELECT count(*) FROM marks WHERE token LIKE '%s%%'", token), count);
    assert_int_equal(sql_number("SELECT count(DISTINCT token) FROM marks WHERE token LIKE '%s%%'", token),
                     count);
    return transactions;
}

static void calls_that_wait_together_are_one_transaction(void **state)
{
    (void)state;
    marks_open();
    assert_int_equal(transactions_of(FEW, "few"), 1);
}

static void under_load_two_transactions_take_turns(void **state)
{
    (void)state;
    marks_open();
    assert_int_equal(transactions_of(MANY, "many"), 2);
}

static void a_batch_takes_no_more_than_its_limit(void **state)
{
    (void)state;
    stand_settings.pg.batch_limit = 4;
    marks_open();
    assert_int_equal(transactions_of(10, "limited"), 3);
}

static void a_failing_statement_harms_only_its_own_call(void **state)
{
    static struct job jobs[MANY];
    static char tokens[MANY][40];

    (void)state;
    marks_open();
    for (int i = 0; i < MANY; i++) {
        snprintf(tokens[i], sizeof(tokens[i]), "ratio %d", i);
        jobs[i] = job_of(i % 3 == 2 ? &append_mark : &append_ratio, tokens[i], i != 30);
        job_start(&jobs[i]);
    }
    for (int i = 0; i < MANY; i++) {
        job_await(&jobs[i]);
        assert_int_equal(jobs[i].answer, i == 30 ? QUERY_REPLIED : QUERY_ROW);
        if (i == 30)
            assert_int_equal(jobs[i].rq.status, 503);
        assert_int_equal(marks_of(tokens[i]), i != 30);
        job_free(&jobs[i]);
    }
}

static void a_read_is_run_again_when_its_backend_is_terminated(void **state)
{
    struct job slow = job_of(&read_slowly, "", 400), quick = job_of(&read_pid, "", 0);

    (void)state;
    marks_open();
    job_start(&slow);
    stand_await(
        sql_number("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'stand' AND state = "
                   "'active' AND wait_event = 'PgSleep'") == 1);
    job_start(&quick); /* waits for the connection */
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'stand'");
    job_await(&slow);
    job_await(&quick);
    assert_int_equal(slow.answer, QUERY_ROW);
    assert_int_equal(quick.answer, QUERY_ROW);
    job_free(&slow);
    job_free(&quick);
}

static void every_kind_of_call_works_after_all_backends_are_terminated(void **state)
{
    (void)state;
    marks_open();
    sql("TRUNCATE slots");
    assert_int_equal(job_do(job_of(&insert_slot, "kept", 1)), QUERY_ROW);
    for (int round = 0; round < 3; round++) {
        char token[40];
        snprintf(token, sizeof(token), "after %d", round);
        sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'stand'");
        assert_int_equal(job_do(job_of(&read_series, "", 1)), QUERY_ROW);
        assert_int_equal(job_do(job_of(&append_mark, token, 1)), QUERY_ROW);
        assert_int_equal(job_do(job_of(&change_slot, token, 1)), QUERY_ROW);
        assert_int_equal(marks_of(token), 1);
    }
}

static void a_lock_wait_ends_in_unavailable_and_the_connection_goes_on(void **state)
{
    struct psql *locker = psql_open();
    struct job blocked = job_of(&change_slot, "blocked", 1);

    (void)state;
    stand_settings.pg.request_timeout = 600;
    marks_open();
    sql("TRUNCATE slots");
    sql("INSERT INTO slots VALUES (1, 'free'), (2, 'free')");
    psql_run(locker, "BEGIN; UPDATE slots SET value = 'locked' WHERE id = 1");
    job_start(&blocked);
    job_await(&blocked);
    assert_int_equal(blocked.answer, QUERY_REPLIED);
    assert_true(blocked.took <= 700 * MILLISECOND);
    job_free(&blocked);
    assert_int_equal(job_do(job_of(&change_slot, "other", 2)), QUERY_ROW);
    psql_run(locker, "ROLLBACK");
    psql_close(locker);
    assert_string_equal(sql("SELECT value FROM slots WHERE id = 1"), "free");
    assert_int_equal(job_do(job_of(&change_slot, "changed", 1)), QUERY_ROW);
    assert_string_equal(sql("SELECT value FROM slots WHERE id = 1"), "changed");
}

static void a_batch_does_not_wait_long_for_a_lock_that_one_call_needs(void **state)
{
    struct psql *locker = psql_open();
    struct job blocked = job_of(&touch_slot, "touch", 1), free_one = job_of(&append_mark, "untouched", 1);

    (void)state;
    marks_open();
    sql("TRUNCATE slots");
    sql("INSERT INTO slots VALUES (1, 'free')");
    psql_run(locker, "BEGIN; UPDATE slots SET value = 'locked' WHERE id = 1");
    job_start(&blocked);
    job_start(&free_one);
    stand_settings.pg.change_connections = 1;
    /* Both go to the lane of changes, one behind the other; that one's lock wait is the longer. */
    stand_await(sql_number("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'stand' AND "
                           "wait_event_type = 'Lock'") == 1);
    assert_int_equal(job_do(job_of(&append_mark, "meanwhile", 1)), QUERY_ROW);
    psql_run(locker, "ROLLBACK");
    psql_close(locker);
    job_await(&blocked);
    job_await(&free_one);
    assert_int_equal(blocked.answer, QUERY_ROW);
    assert_int_equal(free_one.answer, QUERY_ROW);
    assert_int_equal(marks_of("touch"), 1);
    assert_int_equal(marks_of("untouched"), 1);
    assert_int_equal(marks_of("meanwhile"), 1);
    job_free(&blocked);
    job_free(&free_one);
}

static void a_call_is_answered_by_its_deadline(void **state)
{
    struct job slow = job_of(&read_slowly, "", 20000), behind = job_of(&read_pid, "", 0);

    (void)state;
    stand_settings.pg.request_timeout = 300;
    marks_open();
    job_start(&slow);
    stand_turn();
    job_start(&behind);
    job_await(&slow);
    job_await(&behind);
    assert_int_equal(slow.answer, QUERY_REPLIED);
    assert_int_equal(slow.rq.status, 503);
    assert_true(slow.took >= 190 * MILLISECOND); /* statement_timeout is two thirds */
    assert_true(slow.took <= 400 * MILLISECOND);
    assert_true(behind.took <= 400 * MILLISECOND);
    job_free(&slow);
    job_free(&behind);
    assert_int_equal(job_do(job_of(&read_pid, "", 0)), QUERY_ROW);
}

static void a_deadline_holds_behind_a_call_that_may_wait_longer(void **state)
{
    struct job patient = job_of(&read_pid, "", 0), hasty = job_of(&read_pid, "", 0);

    (void)state;
    stand_settings.pg.url = "postgresql:///none?host=/nonexistent";
    stand_open(marks_schema);
    stand_settings.pg.request_timeout = 2000;
    job_start(&patient);
    stand_settings.pg.request_timeout = 200;
    job_start(&hasty);
    job_await(&hasty);
    assert_int_equal(hasty.answer, QUERY_REPLIED);
    assert_true(hasty.took <= 300 * MILLISECOND);
    assert_false(patient.ended);
    job_await(&patient);
    assert_true(patient.took <= 2100 * MILLISECOND);
    job_free(&patient);
    job_free(&hasty);
}

static void a_full_queue_refuses_at_once(void **state)
{
    struct job jobs[5];

    (void)state;
    stand_settings.pg.queue_limit = 3;
    stand_open(marks_schema);
    for (int i = 0; i < 5; i++) {
        jobs[i] = job_of(&read_pid, "", 0);
        job_start(&jobs[i]);
        assert_int_equal(jobs[i].ended, i >= 3);
    }
    for (int i = 0; i < 5; i++) {
        job_await(&jobs[i]);
        assert_int_equal(jobs[i].answer, i < 3 ? QUERY_ROW : QUERY_REPLIED);
        assert_int_equal(jobs[i].rq.status, i < 3 ? 0 : 503);
        job_free(&jobs[i]);
    }
}

static void a_database_that_is_away_for_long_refuses_at_once(void **state)
{
    struct job first = job_of(&append_mark, "away", 1), later = job_of(&append_mark, "away", 1);

    (void)state;
    stand_settings.pg.request_timeout = 1500;
    stand_settings.pg.url = "postgresql:///none?host=/nonexistent";
    stand_open(marks_schema);
    job_start(&first);
    assert_false(first.ended);
    job_await(&first);
    assert_int_equal(first.answer, QUERY_REPLIED);
    job_start(&later);
    assert_true(later.ended);
    assert_int_equal(later.answer, QUERY_REPLIED);
    job_free(&first);
    job_free(&later);
}

/* A URL by which the database is found once the link to its socket is made. */
static const char *hidden_database(char *folder, char link[PATH_MAX])
{
    static char url[256];
    const char *open = database_url(0), *host = strstr(open, "host="), *port = strstr(open, "&port=");

    assert_non_null(mkdtemp(folder));
    snprintf(link, PATH_MAX, "%s/.s.PGSQL.%s", folder, getenv("PGPORT"));
    snprintf(url, sizeof(url), "%.*shost=%s%s", (int)(host - open), open, folder, port);
    return url;
}

static void all_lanes_serve_as_soon_as_one_finds_the_database_again(void **state)
{
    char folder[] = "/tmp/lane-XXXXXX", link[PATH_MAX], socket[PATH_MAX];
    struct job jobs[] = {job_of(&read_pid, "", 0), job_of(&append_mark, "again", 1),
                         job_of(&insert_mark, "again", 1)};

    (void)state;
    stand_settings.pg.request_timeout = 1500;
    stand_settings.pg.url = hidden_database(folder, link);
    stand_open(marks_schema);
    assert_int_equal(job_do(jobs[0]), QUERY_REPLIED);
    snprintf(socket, sizeof(socket), "%s/.s.PGSQL.%s", getenv("PGHOST"), getenv("PGPORT"));
    assert_int_equal(symlink(socket, link), 0);
    stand_await(metric_read(&stand_metrics.connections[STATEMENT_READ]) ||
                metric_read(&stand_metrics.connections[STATEMENT_APPEND]) ||
                metric_read(&stand_metrics.connections[STATEMENT_CHANGE]));
    for (int i = 0; i < 3; i++)
        job_start(&jobs[i]);
    for (int i = 0; i < 3; i++) {
        job_await(&jobs[i]);
        assert_int_equal(jobs[i].answer, QUERY_ROW);
        job_free(&jobs[i]);
    }
    assert_int_equal(unlink(link), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* Whatever its statements were prepared for: the first call finds it out, and is run again. */
static void a_column_that_gets_another_type_costs_no_call(void **state)
{
    static const char *const types[] = {"integer", "bigint", "smallint"};
    const struct statement *kinds[] = {&read_slot, &change_slot, &touch_slot};

    (void)state;
    marks_open();
    sql("TRUNCATE slots");
    sql("INSERT INTO slots VALUES (1, 'free')");
    for (int kind = 0; kind < 3; kind++)
        assert_int_equal(job_do(job_of(kinds[kind], "before", 1)), QUERY_ROW);
    for (int i = 0; i < 3; i++) {
        sql("ALTER TABLE slots ALTER id TYPE %s", types[i]);
        for (int kind = 0; kind < 3; kind++) {
            assert_int_equal(job_do(job_of(kinds[kind], "after", 1)), QUERY_ROW);
            assert_int_equal(job_do(job_of(kinds[(kind + i) % 3], "after", 1)), QUERY_ROW);
        }
    }
    sql("ALTER TABLE slots ALTER id TYPE bigint");
}

static void calls_for_a_database_that_stays_away_are_refused_within_two_seconds(void **state)
{
    struct job list = job_of(&report_pid, "", 0);

    (void)state;
    stand_settings.pg.request_timeout = 15000;
    stand_settings.pg.url = "postgresql:///none?host=/nonexistent";
    stand_open(marks_schema);
    job_start(&list);
    job_await(&list);
    assert_int_equal(list.answer, QUERY_REPLIED);
    assert_true(list.took <= 2 * SECOND);
    job_free(&list);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(each_call_of_a_set_statement_gets_its_own_rows),
        test(calls_that_wait_together_are_one_transaction),
        test(under_load_two_transactions_take_turns),
        test(a_batch_takes_no_more_than_its_limit),
        test(a_failing_statement_harms_only_its_own_call),
        test(a_read_is_run_again_when_its_backend_is_terminated),
        test(every_kind_of_call_works_after_all_backends_are_terminated),
        test(a_lock_wait_ends_in_unavailable_and_the_connection_goes_on),
        test(a_batch_does_not_wait_long_for_a_lock_that_one_call_needs),
        test(a_call_is_answered_by_its_deadline),
        test(a_deadline_holds_behind_a_call_that_may_wait_longer),
        test(a_full_queue_refuses_at_once),
        test(a_database_that_is_away_for_long_refuses_at_once),
        test(calls_for_a_database_that_stays_away_are_refused_within_two_seconds),
        test(a_column_that_gets_another_type_costs_no_call),
        test(all_lanes_serve_as_soon_as_one_finds_the_database_again),
    };

    return cmocka_run_group_tests(tests, database_open, database_close);
}
