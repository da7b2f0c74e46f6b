/* Rows as CSV (RFC 4180). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/base/declare.h"
#include "common/items/csv.h"
#include "common/shape/declare.h"

struct line {
    struct text name;
    int64_t count;
    int8_t good;
    struct moment at;
    struct texts tags;
    struct kept_json data;
};

#define OF struct line
static const struct field fields[] = {
    FIELD(TEXT, name), FIELD(INT, count),  FIELD(BOOL, good),
    FIELD(TIME_Z, at), FIELD(TEXTS, tags), FIELD(OBJECT, data),
};
static const struct shape line_shape = SHAPE("Line", NULL, fields);
#undef OF

static const struct line empty = {.count = INT_NULL, .good = BOOL_NULL, .at = {INT64_MIN}};

static void assert_row(const struct line *line, bool guarded, const char *expected)
{
    struct arena arena = {0}, scratch = {0};
    struct writer w = writer_start(&arena);

    csv_write_row(&w, &scratch, &line_shape, line, guarded);
    assert_false(w.failed);
    assert_int_equal(w.len, strlen(expected));
    assert_memory_equal(w.at, expected, w.len);
    arena_free(&scratch);
    arena_free(&arena);
}

static void the_header_has_the_names_of_the_columns(void **state)
{
    struct arena arena = {0};
    struct writer w = writer_start(&arena);
    (void)state;

    csv_write_header(&w, &line_shape);
    assert_true(text_equal((struct text){w.at, w.len}, TEXT("name,count,good,at,tags,data\r\n")));
    arena_free(&arena);
}

static void each_type_is_written_as_its_value(void **state)
{
    static struct text tags[] = {TEXT("a"), TEXT("b\"")};
    struct line line = {TEXT("n"), -7, 1, {1500000}, {tags, 2}, {TEXT("{\"x\": 1,\"y\":2}")}};
    (void)state;

    assert_row(&line, false,
               "n,-7,true,1970-01-01T00:00:01.500000Z,"
               "\"[\"\"a\"\",\"\"b\\\"\"\"\"]\",\"{\"\"x\"\": 1,\"\"y\"\":2}\"\r\n");
}

/* Readers that know the difference tell null from the empty string by its quotes. */
static void a_null_is_empty_and_an_empty_string_is_quoted(void **state)
{
    struct line line = empty;
    (void)state;

    assert_row(&line, false, ",,,,,\r\n");
    line.name = TEXT("");
    line.data.bytes = TEXT("null");
    assert_row(&line, false, "\"\",,,,,\r\n");
}

static void only_what_needs_quotes_has_them(void **state)
{
    static const struct {
        const char *text, *written;
    } cases[] = {{"a b", "a b"},           {"a,b", "\"a,b\""},       {"a\"b", "\"a\"\"b\""},
                 {"\"", "\"\"\"\""},       {"a\r\nb", "\"a\r\nb\""}, {"a\nb", "\"a\nb\""},
                 {"\xc3\xbc", "\xc3\xbc"}, {" a ", " a "},           {"=1+1", "=1+1"},
                 {"\"\"", "\"\"\"\"\"\""}};
    (void)state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct line line = empty;
        char expected[64];
        line.name = text_of(cases[i].text);
        snprintf(expected, sizeof(expected), "%s,,,,,\r\n", cases[i].written);
        assert_row(&line, false, expected);
    }
}

static void a_formula_is_guarded_where_that_is_asked_for_and_a_number_never(void **state)
{
    static const char *const formulas[] = {"=1+1", "+1", "-1", "@x", "\tx", "\rx"};
    struct line line = empty;
    (void)state;

    line.count = -5;
    for (size_t i = 0; i < COUNT(formulas); i++) {
        char expected[64];
        line.name = text_of(formulas[i]);
        snprintf(expected, sizeof(expected), "\"'%s\",-5,,,,\r\n", formulas[i]);
        assert_row(&line, true, expected);
    }
    line.name = TEXT("a=1");
    assert_row(&line, true, "a=1,-5,,,,\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_has_the_names_of_the_columns),
        cmocka_unit_test(each_type_is_written_as_its_value),
        cmocka_unit_test(a_null_is_empty_and_an_empty_string_is_quoted),
        cmocka_unit_test(only_what_needs_quotes_has_them),
        cmocka_unit_test(a_formula_is_guarded_where_that_is_asked_for_and_a_number_never),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
