/* Steps of a schema that run while others write: on a real PostgreSQL, as daemons start, are stopped and
 * meet. */

#include "common/pg/keeper.h"
#include "common/pg/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/base/loop.h"
#include "tests/unit/support/database.h"

#define PATIENCE (30 * SECOND)
#define A_WHILE  (10 * MILLISECOND)

static metric waiting, second_waiting;

static bool is_ready(void)
{
    return true;
}

static struct keeper *keep(const char *schema, metric *gauge)
{
    struct keeper *keeper = keeper_start(&(struct keeper_task){.url = database_url(0),
                                                               .name = "keeper-test",
                                                               .schema = schema,
                                                               .session_settings = true,
                                                               .ready = is_ready,
                                                               .waiting = gauge});
    assert_non_null(keeper);
    return keeper;
}

/* Waits until a query answers a number. */
static void await_number(const char *query, long number)
{
    int64_t end = clock_monotonic() + PATIENCE;

    while (sql_number("%s", query) != number) {
        assert_true(clock_monotonic() < end);
        nanosleep(&(struct timespec){.tv_nsec = A_WHILE}, NULL);
    }
}

static void await_gauge(const metric *gauge, uint64_t number)
{
    int64_t end = clock_monotonic() + PATIENCE;

    while (metric_read(gauge) != number) {
        assert_true(clock_monotonic() < end);
        nanosleep(&(struct timespec){.tv_nsec = A_WHILE}, NULL);
    }
}

static void await_end(struct keeper *keeper, const metric *gauge)
{
    await_gauge(gauge, 0);
    keeper_stop(keeper);
}

static int begin(void **state)
{
    (void)state;
    sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE marks (n integer)");
    return 0;
}

static void a_schema_without_steps_needs_no_keeper(void **state)
{
    static const char schema[] = "CREATE TABLE a (); -- step: not at a line's beginning";

    (void)state;
    assert_int_equal(script_first_part(schema), strlen(schema));
    assert_null(
        keeper_start(&(struct keeper_task){.url = "", .name = "", .schema = schema, .ready = is_ready}));
    keeper_stop(NULL);
}

static void the_first_part_ends_where_the_first_step_begins(void **state)
{
    (void)state;
    assert_int_equal(script_first_part("SELECT 1;\n-- step: lock one\nSELECT 2\n"), strlen("SELECT 1;\n"));
}

static void steps_run_in_their_order_and_slices_until_nothing_is_left(void **state)
{
    (void)state;
    await_end(keep("\n-- step: lock first\nINSERT INTO marks SELECT 1 WHERE NOT EXISTS (SELECT FROM marks);"
                   "\n-- step: index marks_n\nCREATE INDEX CONCURRENTLY marks_n ON marks (n);"
                   "\n-- step: slice more\nINSERT INTO marks SELECT max(n) + 1 FROM marks WHERE n < 4 HAVING "
                   "max(n) < 4;"
                   " SELECT 4 - max(n) FROM marks;",
                   &waiting),
              &waiting);
    assert_string_equal(sql("SELECT array_agg(n ORDER BY n) FROM marks"), "{1,2,3,4}");
    assert_string_equal(sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'marks_n'::regclass"), "t");
}

static void a_step_that_waits_for_a_lock_holds_writers_up_for_half_a_second_at_most(void **state)
{
    struct psql *reader = psql_open(), *writer = psql_open();

    (void)state;
    psql_run(reader, "BEGIN; SELECT FROM marks");
    psql_run(writer, "SET lock_timeout = '5s'");
    struct keeper *keeper =
        keep("\n-- step: lock column\nALTER TABLE marks ADD COLUMN IF NOT EXISTS m integer;", &waiting);
    await_number("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'marks'::regclass", 1);
    psql_run(writer, "INSERT INTO marks VALUES (1)"); /* a timeout would fail the test */
    psql_run(reader, "COMMIT");
    await_end(keeper, &waiting);
    assert_int_equal(sql_number("SELECT count(m) FROM marks"), 0);
    psql_close(reader);
    psql_close(writer);
}

static void an_index_that_was_interrupted_is_made_again(void **state)
{
    static const char schema[] =
        "\n-- step: index marks_n\nCREATE UNIQUE INDEX CONCURRENTLY marks_n ON marks (n);";

    (void)state;
    sql("INSERT INTO marks VALUES (1), (1)");
    struct keeper *keeper = keep(schema, &waiting); /* fails, and leaves an invalid index */
    await_number("SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('marks_n') AND NOT indisvalid",
                 1);
    keeper_stop(keeper);
    sql("DELETE FROM marks WHERE ctid = (SELECT min(ctid) FROM marks)");
    await_end(keep(schema, &waiting), &waiting);
    assert_string_equal(sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'marks_n'::regclass"), "t");
}

static void an_index_that_cannot_be_made_is_missed_and_keeps_nothing_else(void **state)
{
    (void)state;
    sql("INSERT INTO marks VALUES (1), (1)");
    struct keeper *keeper = keep(
        "\n-- step: index marks_n\nCREATE UNIQUE INDEX CONCURRENTLY marks_n ON marks (n);"
        "\n-- step: lock more\nINSERT INTO marks SELECT 2 WHERE NOT EXISTS (SELECT FROM marks WHERE n = 2);"
        "\n-- step: slice most\nINSERT INTO marks SELECT 3 WHERE NOT EXISTS (SELECT FROM marks WHERE n = 3);"
        " SELECT 0;",
        &waiting);
    await_number("SELECT max(n) FROM marks", 3);
    await_gauge(&waiting, 1);
    keeper_stop(keeper);
}

static void a_slice_that_runs_is_cancelled_at_the_end(void **state)
{
    (void)state;
    struct keeper *keeper = keep("\n-- step: slice long\nSELECT 1 FROM pg_sleep(3600);", &waiting);
    await_number("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'keeper-test'"
                 " AND wait_event = 'PgSleep'",
                 1);
    keeper_stop(keeper);
    await_number("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'keeper-test'", 0);
}

static void one_keeper_of_a_database_runs_the_steps_at_a_time(void **state)
{
    struct psql *holder = psql_open();

    (void)state;
    psql_run(holder, "SELECT pg_advisory_lock(1)");
    static const char schema[] =
        "\n-- step: lock wait\nSET LOCAL lock_timeout = 0; INSERT INTO marks VALUES (1);"
        " SELECT pg_advisory_xact_lock(1);";
    struct keeper *first = keep(schema, &waiting);
    await_number("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted", 1);
    struct keeper *second = keep(schema, &second_waiting);
    await_number("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'keeper-test'", 4);
    assert_int_equal(sql_number("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"),
                     1);
    assert_int_equal(metric_read(&second_waiting), 1);
    psql_run(holder, "SELECT pg_advisory_unlock(1)");
    await_end(first, &waiting);
    await_end(second, &second_waiting);
    assert_int_equal(sql_number("SELECT count(*) FROM marks"), 2);
    psql_close(holder);
}

#define test(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_schema_without_steps_needs_no_keeper),
        test(the_first_part_ends_where_the_first_step_begins),
        test(steps_run_in_their_order_and_slices_until_nothing_is_left),
        test(a_step_that_waits_for_a_lock_holds_writers_up_for_half_a_second_at_most),
        test(an_index_that_was_interrupted_is_made_again),
        test(an_index_that_cannot_be_made_is_missed_and_keeps_nothing_else),
        test(a_slice_that_runs_is_cancelled_at_the_end),
        test(one_keeper_of_a_database_runs_the_steps_at_a_time),
    };

    return cmocka_run_group_tests(tests, database_open, database_close);
}
