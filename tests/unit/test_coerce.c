#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/declare.h"
#include "tests/unit/support/sample.h"
#include <cmocka.h>

static void integers_are_coerced_as_pydantic_does(void **state)
{
    static const struct {
        const char *json;
        int64_t value;
    } good[] = {
        {"12", 12},
        {"-0", 0},
        {"12.0", 12},
        {"1e3", 1000},
        {"-0.0", 0},
        {"true", 1},
        {"false", 0},
        {"\"12\"", 12},
        {"\" 7 \\n\"", 7},
        {"\"+5\"", 5},
        {"\"-5\"", -5},
        {"\"1_000\"", 1000},
        {"\"-0012\"", -12},
        {"\"0__1_2\"", 12},
        {"\"12.000\"", 12},
        {"\"\\u00a07\\u2003\"", 7},
        {"\"1_0.0\"", 10},
        {"\"00\"", 0},
        {"\"100\"", 100},
        {"\"2147483647\"", INT32_MAX},
        {"-2147483648", INT32_MIN},
    };
    static const char *const unparsed[] = {
        "\"\"",
        "\"  \"",
        "\"abc\"",
        "\"1.5\"",
        "\"1e3\"",
        "\"+ 5\"",
        "\"1__0\"",
        "\"_1\"",
        "\"1_\"",
        "\"12.\"",
        "\".0\"",
        "\"--1\"",
        "\"+-1\"",
        "\"1.0_0\"",
        "\"-_1\"",
        "\"0x10\"",
        "\"1 2\"",
        "\"true\"",
        "\"1.0.0\"",
        "\"-\"",
        "\"\xef\xbb\xbf"
        "7\"",
        "\"0_\"",
        "\"\xef\xbc\x97\"",
    };
    struct sample_fixture *f = *state;

    for (size_t i = 0; i < COUNT(good); i++) {
        assert_string_equal(read_with(f, "count", good[i].json), "[]");
        if (f->sample.count != good[i].value)
            fail_msg("%s is %lld", good[i].json, (long long)f->sample.count);
    }
    for (size_t i = 0; i < COUNT(unparsed); i++)
        assert_fault(f, "count", unparsed[i], "int_parsing",
                     "Input should be a valid integer, unable to parse string as an integer", NULL);
    assert_fault(f, "count", "[]", "int_type", "Input should be a valid integer", NULL);
    assert_fault(f, "count", "{}", "int_type", "Input should be a valid integer", NULL);
    assert_fault(f, "count", "1.5", "int_from_float",
                 "Input should be a valid integer, got a number with a fractional part", NULL);
}

static void integers_have_bounds(void **state)
{
    static const char size[] = "Unable to parse input string as an integer, exceeded maximum size";
    static const char *const large[] = {"9223372036854775808", "\"-9223372036854775809\"", "9.3e+18",
                                        "\"99999999999999999999\"", "-9.223372036854776e+18"};
    struct sample_fixture *f = *state;

    for (size_t i = 0; i < COUNT(large); i++)
        assert_fault(f, "count", large[i], "int_parsing_size", size, NULL);
    assert_fault(f, "count", "2147483648", "less_than_equal",
                 "Input should be less than or equal to 2147483647", "{\"le\":2147483647}");
    assert_fault(f, "count", "\"-2147483649\"", "greater_than_equal",
                 "Input should be greater than or equal to -2147483648", "{\"ge\":-2147483648}");
    assert_fault(f, "count", "9223372036854775807", "less_than_equal",
                 "Input should be less than or equal to 2147483647", "{\"le\":2147483647}");
    assert_fault(f, "count", "-9223372036854775808", "greater_than_equal",
                 "Input should be greater than or equal to -2147483648", "{\"ge\":-2147483648}");
    assert_fault(f, "small", "-1", "greater_than_equal", "Input should be greater than or equal to 0",
                 "{\"ge\":0}");
    assert_fault(f, "small", "10", "less_than_equal", "Input should be less than or equal to 9",
                 "{\"le\":9}");
}

static void booleans_are_coerced_as_pydantic_does(void **state)
{
    static const char *const yes[] = {"true",    "1",     "1.0",    "\"true\"", "\"T\"",
                                      "\"yEs\"", "\"y\"", "\"ON\"", "\"1\""};
    static const char *const no[] = {"false",  "0",     "-0.0",    "\"False\"", "\"f\"",
                                     "\"no\"", "\"N\"", "\"oFf\"", "\"0\"",     "0.0"};
    static const char *const unparsed[] = {"2",         "-1",        "2.0",     "\"\"",
                                           "\" true\"", "\"maybe\"", "\"1.0\"", "\"2\""};
    static const char *const wrong[] = {"1.5", "[]", "{}", "9223372036854775808", "1e+300"};
    struct sample_fixture *f = *state;

    for (size_t i = 0; i < COUNT(yes); i++) {
        assert_string_equal(read_with(f, "good", yes[i]), "[]");
        assert_int_equal(f->sample.good, 1);
    }
    for (size_t i = 0; i < COUNT(no); i++) {
        assert_string_equal(read_with(f, "good", no[i]), "[]");
        assert_int_equal(f->sample.good, 0);
    }
    for (size_t i = 0; i < COUNT(unparsed); i++)
        assert_fault(f, "good", unparsed[i], "bool_parsing",
                     "Input should be a valid boolean, unable to interpret input", NULL);
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_fault(f, "good", wrong[i], "bool_type", "Input should be a valid boolean", NULL);
}

static void texts_are_counted_in_code_points(void **state)
{
    struct sample_fixture *f = *state;

    assert_string_equal(read_with(f, "name", "\"\xc3\xa9\xf0\x9f\x98\x80xy\""), "[]");
    assert_fault(f, "name", "\"abcde\"", "string_too_long", "String should have at most 4 characters",
                 "{\"max_length\":4}");
    shape_set_limits(&(struct shape_limits){.text = 1, .list = LIST_LIMIT});
    assert_fault(f, "note", "\"ab\"", "string_too_long", "String should have at most 1 character",
                 "{\"max_length\":1}");
}

static void lists_hold_strings_up_to_the_limit(void **state)
{
    struct sample_fixture *f = *state;

    assert_string_equal(
        read_with(f, "tags", "[1,\"a\",null]"),
        "[{\"type\":\"string_type\",\"loc\":[\"body\",\"tags\",0],\"msg\":\"Input should be a valid string\","
        "\"input\":1},{\"type\":\"string_type\",\"loc\":[\"body\",\"tags\",2],\"msg\":\"Input should be a "
        "valid "
        "string\",\"input\":null}]");
    assert_fault(f, "tags", "\"x\"", "list_type", "Input should be a valid list", NULL);
    assert_fault(f, "tags", "{}", "list_type", "Input should be a valid list", NULL);
    shape_set_limits(&(struct shape_limits){.text = TEXT_LIMIT, .list = 2});
    assert_string_equal(read_with(f, "tags", "[\"a\",\"b\"]"), "[]");
    assert_fault(f, "tags", "[1,2,3]", "too_long", "List should have at most 2 items after validation, not 3",
                 "{\"field_type\":\"List\",\"max_length\":2,\"actual_length\":3}");
}

static void integer_maps_keep_every_byte_that_is_an_integer(void **state)
{
    static const struct {
        const char *sent, *kept;
    } rows[] = {
        {"{ \"a\" :1 ,\"b\": -0,\"c\":123456789012345678901234567890 }",
         "{ \"a\" :1 ,\"b\": -0,\"c\":123456789012345678901234567890 }"},
        {"{ \"a\" : \" 7 \",\"\\u0062\":2.0,\"c\":true ,\"d\":9}",
         "{ \"a\" : 7,\"\\u0062\":2,\"c\":1 ,\"d\":9}"},
        {"{\"a\":\"-00123456789012345678901234567890\"}", "{\"a\":-123456789012345678901234567890}"},
        {"{\"a\":\"x\", \"b\":2,\"a\":\"1\"}", "{\"a\":1,\"b\":2}"},
        {"{ }", "{ }"},
    };
    struct sample_fixture *f = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_string_equal(read_with(f, "uses", rows[i].sent), "[]");
        assert_string_equal(arena_string(&f->arena, f->sample.uses.bytes), rows[i].kept);
    }
}

static void integer_maps_name_the_member_of_a_fault(void **state)
{
    struct sample_fixture *f = *state;

    assert_string_equal(read_with(f, "uses", "{\"cpu\":\"x\",\"ok\":1,\"m\\\"m\":1.5,\"n\":null}"),
                        "[{\"type\":\"int_parsing\",\"loc\":[\"body\",\"uses\",\"cpu\"],\"msg\":\"Input "
                        "should be a valid integer, "
                        "unable to parse string as an integer\",\"input\":\"x\"},"
                        "{\"type\":\"int_from_float\",\"loc\":[\"body\",\"uses\",\"m\\\"m\"],\"msg\":\"Input "
                        "should be a valid "
                        "integer, got a number with a fractional part\",\"input\":1.5},"
                        "{\"type\":\"int_type\",\"loc\":[\"body\",\"uses\",\"n\"],\"msg\":\"Input should be "
                        "a valid integer\","
                        "\"input\":null}]");
    assert_fault(f, "uses", "[]", "dict_type", "Input should be a valid dictionary", NULL);
    assert_fault(f, "data", "[]", "dict_type", "Input should be a valid dictionary", NULL);
    shape_set_limits(&(struct shape_limits){.text = TEXT_LIMIT, .list = 1});
    assert_string_equal(read_with(f, "uses", "{\"a\":1,\"a\":2}"), "[]");
    assert_fault(f, "uses", "{\"a\":1,\"b\":2}", "too_long",
                 "Dictionary should have at most 1 item after validation, not 2",
                 "{\"field_type\":\"Dictionary\",\"max_length\":1,\"actual_length\":2}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(integers_are_coerced_as_pydantic_does),
        SAMPLE_TEST(integers_have_bounds),
        SAMPLE_TEST(booleans_are_coerced_as_pydantic_does),
        SAMPLE_TEST(texts_are_counted_in_code_points),
        SAMPLE_TEST(lists_hold_strings_up_to_the_limit),
        SAMPLE_TEST(integer_maps_keep_every_byte_that_is_an_integer),
        SAMPLE_TEST(integer_maps_name_the_member_of_a_fault),
    };

    return cmocka_run_group_tests_name("coerce", tests, NULL, NULL);
}
