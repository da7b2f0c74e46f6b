/* What a schema's text is made of. */

#include "common/pg/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char schema[] = "CREATE TABLE a (n integer);\n"
                             "-- grant: SELECT, UPDATE (n) ON a\n"
                             "CREATE TABLE b ();\n"
                             "-- grant: SELECT ON b\n"
                             "-- step: index a_n\n"
                             "CREATE INDEX CONCURRENTLY a_n ON a (n);\n"
                             "-- step: slice fold\n"
                             "SELECT fold();\n"
                             "-- grant: EXECUTE ON FUNCTION fold\n";

static void steps_are_found_in_order(void **state)
{
    const char *at = schema;
    struct step step;

    (void)state;
    assert_int_equal(script_first_part(schema), strstr(schema, "-- step: index") - schema);
    assert_int_equal(script_count_steps(schema), 2);
    assert_true(script_next_step(&at, &step));
    assert_string_equal(step.kind, "index");
    assert_string_equal(step.name, "a_n");
    assert_memory_equal(step.sql, "\nCREATE INDEX CONCURRENTLY a_n ON a (n);", step.len);
    assert_true(script_next_step(&at, &step));
    assert_string_equal(step.kind, "slice");
    assert_false(script_next_step(&at, &step));
}

static void grants_are_made_of_lines_anywhere_in_the_text(void **state)
{
    struct arena memory = {0};

    (void)state;
    assert_string_equal(script_grants(&memory, schema, "\"role\""),
                        "GRANT SELECT, UPDATE (n) ON a TO \"role\";\n"
                        "GRANT SELECT ON b TO \"role\";\n"
                        "GRANT EXECUTE ON FUNCTION fold TO \"role\";\n");
    assert_string_equal(script_grants(&memory, "CREATE TABLE a (); -- grant: not at a line's beginning", "r"),
                        "");
    arena_free(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_found_in_order),
        cmocka_unit_test(grants_are_made_of_lines_anywhere_in_the_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
