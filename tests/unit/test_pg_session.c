/* What a connection finds and makes before its first batch: the schema, and odd servers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

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

static const char slow_schema[] = "CREATE TABLE IF NOT EXISTS marks (token text);"
                                  "CREATE TABLE IF NOT EXISTS slots (id bigint PRIMARY KEY, value text);"
                                  "SELECT pg_sleep(0.05)";

/* Opens a stand in a process of its own; 0 when it became ready without a failed statement. */
static pid_t fork_stand(int log)
{
    pid_t child = fork();

    if (child != 0)
        return child;
    dup2(log, STDERR_FILENO);
    stand_open(slow_schema);
    for (int64_t until = clock_monotonic() + STAND_PATIENCE; clock_monotonic() < until;) {
        stand_turn();
        if (pg_ready(stand_worker.pg))
            _exit(EXIT_SUCCESS);
    }
    _exit(EXIT_FAILURE);
}

static void several_daemons_make_the_schema_of_one_database_at_once(void **state)
{
    pid_t children[4];
    char log_name[] = "/tmp/unit-lane-XXXXXX", log[1024];
    int log_file = mkostemp(log_name, O_CLOEXEC | O_APPEND);

    (void)state;
    assert_true(log_file >= 0);
    unlink(log_name);
    sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    for (int i = 0; i < 4; i++)
        children[i] = fork_stand(log_file);
    for (int i = 0; i < 4; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
    }
    ssize_t len = pread(log_file, log, sizeof(log) - 1, 0);
    log[len > 0 ? len : 0] = '\0';
    assert_string_equal(log, "");
    close(log_file);
    assert_int_equal(sql_number("SELECT version FROM schema_version"), 1);
    marks_open(); /* for the teardown */
}

static void missing_tables_are_created_again(void **state)
{
    const struct statement *kinds[] = {&append_mark, &read_series, &insert_slot};

    (void)state;
    marks_open();
    for (int i = 0; i < 3; i++) {
        sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        /* The calls that find it out may be refused. */
        for (int tries = 0; job_do(job_of(kinds[i], "again", 1)) == QUERY_REPLIED; tries++)
            assert_true(tries < 5);
        stand_await(pg_ready(stand_worker.pg));
    }
}

/* Waits for another daemon that makes its schema, finds a later version, and leaves everything as it is. */
static void a_later_schema_that_was_created_meanwhile_is_not_overwritten(void **state)
{
    struct psql *newer = psql_open();

    (void)state;
    sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    psql_run(newer, "BEGIN; SELECT pg_advisory_xact_lock(7205759403792795);"
                    "CREATE TABLE schema_version (version integer PRIMARY KEY, applied_at timestamptz);"
                    "CREATE TABLE write_slots (slot uuid PRIMARY KEY, batch bigint, at timestamptz);"
                    "INSERT INTO schema_version VALUES (2)");
    stand_open("CREATE TABLE of_an_older_version ()");
    stand_await(sql_number("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'stand' AND "
                           "wait_event_type = 'Lock'") > 0);
    psql_run(newer, "COMMIT");
    psql_close(newer);
    stand_await(pg_ready(stand_worker.pg));
    assert_string_equal(sql("SELECT to_regclass('of_an_older_version') IS NULL"), "t");
    assert_string_equal(sql("SELECT string_agg(version::text, ',') FROM schema_version"), "2");
    sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
}

static void backslashes_are_plain_characters_with_any_setting_of_the_database(void **state)
{
    (void)state;
    sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    sql("ALTER DATABASE %s SET standard_conforming_strings = off", getenv("PGDATABASE"));
    stand_open("CREATE TABLE digits (d text DEFAULT '\\d' CHECK (d <> 'd'))");
    stand_await(pg_ready(stand_worker.pg));
    assert_string_equal(sql("INSERT INTO digits DEFAULT VALUES RETURNING length(d)"), "2");
    sql("ALTER DATABASE %s RESET standard_conforming_strings", getenv("PGDATABASE"));
    sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
}

static void a_database_in_another_encoding_is_not_served_and_the_log_says_so_once(void **state)
{
    static char url[512];
    const char *open = database_url(0), *name = getenv("PGDATABASE"), *at = name ? strstr(open, name) : NULL;
    char log_name[] = "/tmp/unit-session-XXXXXX", log[4096];
    int log_file = mkostemp(log_name, O_CLOEXEC | O_APPEND), status;

    (void)state;
    assert_non_null(at);
    unlink(log_name);
    sql("CREATE DATABASE latin_%s ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0", name);
    snprintf(url, sizeof(url), "%.*slatin_%s", (int)(at - open), open, at);
    pid_t child = fork();
    if (child == 0) {
        dup2(log_file, STDERR_FILENO);
        stand_settings.pg.url = url;
        stand_open(marks_schema);
        bool refused = job_do(job_of(&read_pid, "", 0)) == QUERY_REPLIED;
        _exit(refused && !pg_ready(stand_worker.pg) ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
    ssize_t len = pread(log_file, log, sizeof(log) - 1, 0);
    log[len > 0 ? len : 0] = '\0';
    const char *first = strstr(log, "LATIN1");
    assert_non_null(first);
    assert_null(strstr(first + 1, "LATIN1"));
    close(log_file);
    sql("DROP DATABASE latin_%s WITH (FORCE)", name);
    marks_open(); /* for the teardown */
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(several_daemons_make_the_schema_of_one_database_at_once),
        test(missing_tables_are_created_again),
        test(a_later_schema_that_was_created_meanwhile_is_not_overwritten),
        test(backslashes_are_plain_characters_with_any_setting_of_the_database),
        test(a_database_in_another_encoding_is_not_served_and_the_log_says_so_once),
    };

    return cmocka_run_group_tests(tests, database_open, database_close);
}
