/* Parameters and rows: every type goes to PostgreSQL and comes back as it was, alone and in sets. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/declare.h"
#include "tests/unit/support/database.h"
#include "tests/unit/support/stand.h"

#define PLAIN_TIME INT64_C(1745051438538812) /* 2025-04-19T08:30:38.538812 */

struct value {
    struct text text;
    struct kept_json json;
    int64_t n;
    struct moment time;
    double d;
    int8_t b;
    struct texts list;
};

static const struct column columns[] = {
    COLUMN(struct value, text), COLUMN(struct value, json), COLUMN(struct value, n),
    COLUMN(struct value, time), COLUMN(struct value, d),    COLUMN(struct value, b),
    COLUMN(struct value, list),
};
#define ECHO                                                                                                 \
    .kind = STATEMENT_READ, .params = columns, .param_count = COUNT(columns), .row = columns,                \
    .column_count = COUNT(columns), .row_size = sizeof(struct value)

static const struct statement echo_one = {
    .name = "echo_one", .sql = "SELECT $1, $2, $3, $4, $5, $6, $7", ECHO};
static const struct statement echo_set = {
    .name = "echo_set",
    .sql = "SELECT n, a, b, c, d, e, f, g::text[] FROM unnest($1, $2, $3, $4, $5, $6, $7)"
           " WITH ORDINALITY AS v (a, b, c, d, e, f, g, n)",
    .set = true,
    ECHO};

static const struct text some[] = {{"a", 1},     {"", 0},     {"b\"c\\d", 5},
                                   {"{x,y}", 5}, {"NULL", 4}, {"\xc3\xa9 ", 3}};

static const struct value values[] = {
    {{"a'b\\\n\xf0\x9f\x98\x80", 9},
     {{"{\"b\": 1.0, \"a\": [ ] }", 21}},
     42,
     {PLAIN_TIME},
     0.1,
     1,
     {(struct text *)(uintptr_t)some, 6}},
    {{"", 0}, {{"null", 4}}, INT64_MAX, {0}, -0.0, 0, {(struct text *)(uintptr_t)some, 1}},
    {{"x", 1}, {{"1e400", 5}}, INT64_MIN + 1, {-1}, INFINITY, 1, {(struct text *)(uintptr_t)some, 0}},
    {{NULL, 0}, {{NULL, 0}}, INT_NULL, MOMENT_NULL, NAN, BOOL_NULL, {NULL, 0}},
    {{"0", 1},
     {{"\"\"", 2}},
     -1,
     {INT64_C(253402300799999999)},
     5e-324,
     0,
     {(struct text *)(uintptr_t)some, 6}},
};
#define VALUES COUNT(values)

static void assert_same(const struct value *a, const struct value *b)
{
    assert_true(text_equal(a->text, b->text));
    assert_true(text_equal(a->json.bytes, b->json.bytes));
    assert_true(a->n == b->n);
    assert_true(a->time.us == b->time.us);
    assert_true((isnan(a->d) && isnan(b->d)) || (a->d == b->d && signbit(a->d) == signbit(b->d)));
    assert_int_equal(a->b, b->b);
    assert_int_equal(!a->list.items, !b->list.items);
    assert_int_equal(a->list.count, b->list.count);
    for (size_t i = 0; a->list.items && b->list.items && i < a->list.count; i++)
        assert_true(text_equal(a->list.items[i], b->list.items[i]));
}

static int begin(void **state)
{
    (void)state;
    stand_defaults(database_url(0));
    stand_open("");
    stand_await(pg_ready(stand_worker.pg));
    return 0;
}

static int end(void **state)
{
    (void)state;
    stand_close();
    return 0;
}

static void run_echo(struct job *job)
{
    job->answer = query_rows(&job->rq, job->statement, &values[job->number], &job->rows);
}

static void values_come_back_as_they_were(void **state)
{
    const struct statement *kinds[] = {&echo_one, &echo_set};

    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct job jobs[VALUES];
        for (size_t i = 0; i < VALUES; i++) {
            jobs[i] = (struct job){.run = run_echo, .statement = kinds[kind], .number = (int64_t)i};
            job_start(&jobs[i]);
        }
        for (size_t i = 0; i < VALUES; i++) {
            job_await(&jobs[i]);
            assert_int_equal(jobs[i].answer, QUERY_ROW);
            assert_int_equal(jobs[i].rows.count, 1);
            assert_same(jobs[i].rows.items, &values[i]);
            job_free(&jobs[i]);
        }
    }
}

struct far {
    struct moment forward, back;
    int64_t n2, n4;
    struct texts holes;
};

static const struct statement read_far = {
    .name = "read_far",
    .sql = "SELECT 'infinity'::timestamptz, '-infinity'::timestamp, (-2)::int2, (-4)::int4, ARRAY['a', NULL, "
           "'']",
    .kind = STATEMENT_READ,
    .row = (const struct column[]){COLUMN(struct far, forward), COLUMN(struct far, back),
                                   COLUMN(struct far, n2), COLUMN(struct far, n4), COLUMN(struct far, holes)},
    .column_count = 5,
    .row_size = sizeof(struct far),
};

static void run_far(struct job *job)
{
    job->answer = query_rows(&job->rq, job->statement, NULL, &job->rows);
}

static void what_a_column_may_hold_is_read(void **state)
{
    struct job job = {.run = run_far, .statement = &read_far};

    (void)state;
    job_start(&job);
    job_await(&job);
    assert_int_equal(job.answer, QUERY_ROW);
    const struct far *far = job.rows.items;
    assert_true(far->forward.us == INT64_MAX);
    assert_true(far->back.us < 0 && !moment_is_null(far->back));
    assert_true(far->n2 == -2 && far->n4 == -4);
    assert_int_equal(far->holes.count, 3);
    assert_null(far->holes.items[1].at);
    assert_true(text_equal(far->holes.items[2], TEXT("")));
    job_free(&job);
}

struct given {
    struct moments times;
};

static struct moment some_times[] = {{PLAIN_TIME}, {-1}};
static const struct given given[] = {{{some_times, 2}}, {{some_times, 0}}, {{NULL, 0}}};

static const struct statement read_times = {
    .name = "read_times",
    .sql = "SELECT $1[1], $1[2], cardinality($1) AS n2",
    .kind = STATEMENT_READ,
    PARAMS(struct given, times),
    ROW(struct far, forward, back, n2),
};

static void run_given(struct job *job)
{
    job->answer = query_rows(&job->rq, job->statement, &given[job->number], &job->rows);
}

static void times_are_sent_as_an_array(void **state)
{
    const int64_t counts[] = {2, 0, INT_NULL};

    (void)state;
    for (size_t i = 0; i < COUNT(given); i++) {
        struct job job = {.run = run_given, .statement = &read_times, .number = (int64_t)i};
        job_start(&job);
        job_await(&job);
        assert_int_equal(job.answer, QUERY_ROW);
        const struct far *far = job.rows.items;
        assert_true(far->n2 == counts[i]);
        assert_true(i || (far->forward.us == PLAIN_TIME && far->back.us == -1));
        job_free(&job);
    }
}

/* What their binary form would be read as is no number that the statement gave. */
static struct statement undeclared[] = {
    {.name = "numeric", .sql = "SELECT 7::numeric", .row = (const struct column[]){{.type = COLUMN_INT}}},
    {.name = "average",
     .sql = "SELECT avg(n) FROM generate_series(1, 4) n",
     .row = (const struct column[]){{.type = COLUMN_FLOAT}}},
    {.name = "date",
     .sql = "SELECT '2025-04-19'::date",
     .row = (const struct column[]){{.type = COLUMN_TIME}}},
    {.name = "uuid",
     .sql = "SELECT gen_random_uuid()",
     .row = (const struct column[]){{.type = COLUMN_TEXT}}},
    {.name = "jsonb", .sql = "SELECT '{}'::jsonb", .row = (const struct column[]){{.type = COLUMN_JSON}}},
};

static void a_type_that_is_not_declared_is_an_error_and_never_a_null(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(undeclared); i++) {
        struct job job = {.run = run_far, .statement = &undeclared[i]};

        undeclared[i].kind = STATEMENT_READ;
        undeclared[i].column_count = 1;
        undeclared[i].row_size = sizeof(struct text);
        job_start(&job);
        job_await(&job);
        assert_int_equal(job.answer, QUERY_REPLIED);
        assert_int_equal(job.rq.status, 503);
        job_free(&job);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_come_back_as_they_were, begin, end),
        cmocka_unit_test_setup_teardown(what_a_column_may_hold_is_read, begin, end),
        cmocka_unit_test_setup_teardown(times_are_sent_as_an_array, begin, end),
        cmocka_unit_test_setup_teardown(a_type_that_is_not_declared_is_an_error_and_never_a_null, begin, end),
    };

    return cmocka_run_group_tests(tests, database_open, database_close);
}
