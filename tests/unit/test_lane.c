/* Lanes on a real PostgreSQL: batches, deadlines, locks, transactions, the schema. */
#include <limits.h>
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

#include "common/base/declare.h"
#include "common/pg/lane.h"
#include "common/pg/link.h"
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

/* Opens the lanes and waits until the database is there. */
static void open_ready(void)
{
    stand_open(marks_schema);
    stand_await(pg_ready(&stand_worker));
}

static void each_call_of_a_set_statement_gets_its_own_rows(void **state)
{
    static struct job jobs[MANY];

    (void)state;
    open_ready();
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

static void what_waits_together_is_one_transaction(void **state)
{
    (void)state;
    open_ready();
    assert_int_equal(transactions_of(FEW, "few"), 1);
}

static void where_much_waits_two_transactions_take_turns(void **state)
{
    (void)state;
    open_ready();
    assert_int_equal(transactions_of(MANY, "many"), 2);
}

static void a_batch_takes_no_more_than_its_limit(void **state)
{
    (void)state;
    stand_settings.pg.batch_limit = 4;
    open_ready();
    assert_int_equal(transactions_of(10, "limited"), 3);
}

static void a_failing_statement_harms_only_its_own_call(void **state)
{
    static struct job jobs[MANY];
    static char tokens[MANY][40];

    (void)state;
    open_ready();
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
    open_ready();
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
    open_ready();
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
    open_ready();
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

static void a_batch_does_not_wait_long_for_a_lock_that_one_of_it_needs(void **state)
{
    struct psql *locker = psql_open();
    struct job blocked = job_of(&touch_slot, "touch", 1), free_one = job_of(&append_mark, "untouched", 1);

    (void)state;
    open_ready();
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
    open_ready();
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
    stand_await(lane_ready(pg_lane(&stand_worker, STATEMENT_READ)) ||
                lane_ready(pg_lane(&stand_worker, STATEMENT_APPEND)) ||
                lane_ready(pg_lane(&stand_worker, STATEMENT_CHANGE)));
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

/* Transactions of one request */

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

static void transactions_hold_together(void **state)
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
    open_ready();
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
    open_ready();
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

static void a_transaction_whose_backend_dies_is_not_there(void **state)
{
    struct job job = {.run = kill_inside, .token = "killed"};

    (void)state;
    open_ready();
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

/* The schema */

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
        if (pg_ready(&stand_worker))
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
    open_ready(); /* for the teardown */
}

static void tables_that_are_gone_are_made_again(void **state)
{
    const struct statement *kinds[] = {&append_mark, &read_series, &insert_slot};

    (void)state;
    open_ready();
    for (int i = 0; i < 3; i++) {
        sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        /* The calls that find it out may be refused. */
        for (int tries = 0; job_do(job_of(kinds[i], "again", 1)) == QUERY_REPLIED; tries++)
            assert_true(tries < 5);
        stand_await(pg_ready(&stand_worker));
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(each_call_of_a_set_statement_gets_its_own_rows),
        test(what_waits_together_is_one_transaction),
        test(where_much_waits_two_transactions_take_turns),
        test(a_batch_takes_no_more_than_its_limit),
        test(a_failing_statement_harms_only_its_own_call),
        test(a_read_is_run_again_when_its_backend_is_terminated),
        test(every_kind_of_call_works_after_all_backends_are_terminated),
        test(a_lock_wait_ends_in_unavailable_and_the_connection_goes_on),
        test(a_batch_does_not_wait_long_for_a_lock_that_one_of_it_needs),
        test(a_call_is_answered_by_its_deadline),
        test(a_deadline_holds_behind_a_call_that_may_wait_longer),
        test(a_full_queue_refuses_at_once),
        test(a_database_that_is_away_for_long_refuses_at_once),
        test(all_lanes_serve_as_soon_as_one_finds_the_database_again),
        test(transactions_hold_together),
        test(a_transaction_waits_for_a_connection_until_its_deadline),
        test(a_transaction_whose_backend_dies_is_not_there),
        test(several_daemons_make_the_schema_of_one_database_at_once),
        test(tables_that_are_gone_are_made_again),
    };

    return cmocka_run_group_tests(tests, database_open, database_close);
}
