#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/email/email.h"
#include "common/shape/declare.h"
#include "tests/unit/support/sample.h"
#include <cmocka.h>

/* The rules of addresses have tests of their own; this stands in for them, so that each answer can be had. */
bool email_normalise(struct arena *arena, struct text input, struct text *normal, const char **reason)
{
    (void)arena;
    *reason = text_equal(input, TEXT("out of memory")) ? NULL : "No \"@\" here.";
    *normal = TEXT("a@b.co");
    return memchr(input.at, '@', input.len);
}
static void a_whole_body_fills_the_struct(void **state)
{
    struct sample_fixture *f = *state;

    assert_string_equal(
        read_body(f, "{\"name\":\"\\u00e9t\xc3\xa9!\",\"email\":\"x@y\",\"count\":-7,\"good\":false,"
                     "\"tags\":[\"a\",\"\"],\"uses\":{\"cpu\": 1},\"data\":{ \"k\":[1.0] },"
                     "\"note\":\"hi\",\"small\":9,\"old\":[],\"unknown\":{}}"),
        "[]");
    assert_text(f->sample.name, "\xc3\xa9t\xc3\xa9!");
    assert_text(f->sample.email, "a@b.co");
    assert_int_equal(f->sample.count, -7);
    assert_int_equal(f->sample.good, 0);
    assert_int_equal(f->sample.tags.count, 2);
    assert_text(f->sample.tags.items[0], "a");
    assert_text(f->sample.tags.items[1], "");
    assert_text(f->sample.uses.bytes, "{\"cpu\": 1}");
    assert_text(f->sample.data.bytes, "{ \"k\":[1.0] }");
    assert_text(f->sample.note, "hi");
    assert_true(f->sample.note_sent);
    assert_int_equal(f->sample.small, 9);
}

static void absent_members_have_their_fallback_or_null(void **state)
{
    struct sample_fixture *f = *state;

    assert_string_equal(read_with(f, "unknown", "0"), "[]");
    assert_null(f->sample.email.at);
    assert_non_null(f->sample.tags.items);
    assert_int_equal(f->sample.tags.count, 0);
    assert_text(f->sample.uses.bytes, "{}");
    assert_text(f->sample.data.bytes, "{\"x\":1}");
    assert_null(f->sample.note.at);
    assert_false(f->sample.note_sent);
    assert_int_equal(f->sample.small, 5);
}

static void null_is_a_value_where_it_is_declared_so(void **state)
{
    struct sample_fixture *f = *state;

    assert_string_equal(read_with(f, "note", "null"), "[]");
    assert_null(f->sample.note.at);
    assert_true(f->sample.note_sent);
    assert_string_equal(read_with(f, "tags", "null"), "[]");
    assert_null(f->sample.tags.items);
    assert_fault(f, "name", "null", "string_type", "Input should be a valid string", NULL);
    assert_fault(f, "count", "null", "int_type", "Input should be a valid integer", NULL);
    assert_int_equal(f->sample.count, INT_NULL);
    assert_fault(f, "good", "null", "bool_type", "Input should be a valid boolean", NULL);
    assert_int_equal(f->sample.good, BOOL_NULL);
    assert_fault(f, "uses", "null", "dict_type", "Input should be a valid dictionary", NULL);
    assert_fault(f, "data", "null", "dict_type", "Input should be a valid dictionary", NULL);
}

static void a_body_that_is_no_object_is_one_fault(void **state)
{
    static const char what[] = "Input should be a valid dictionary or object to extract fields from";
    static const char *const bodies[] = {"[]", "\"str\"", "1", "true", "[{\"a\":1.0}]"};
    static const char missing[] =
        "{\"type\":\"missing\",\"loc\":[\"body\"],\"msg\":\"Field required\",\"input\":null}";
    struct sample_fixture *f = *state;

    for (size_t i = 0; i < COUNT(bodies); i++)
        assert_string_equal(
            read_body(f, bodies[i]),
            arena_printf(&f->arena,
                         "[{\"type\":\"model_attributes_type\",\"loc\":[\"body\"],\"msg\":\"%s\","
                         "\"input\":%s}]",
                         what, bodies[i]));
    assert_string_equal(read_body(f, "null"), arena_printf(&f->arena, "[%s]", missing));
    f->faults = faults_start(&f->arena);
    assert_true(shape_read_json(&sample_shape, &f->arena, NULL, &f->sample, &f->faults));
    assert_text(((struct text){f->faults.out.at, f->faults.out.len}), missing);
    assert_int_equal(f->sample.count, INT_NULL);
}

static void all_faults_come_at_once_in_declared_order(void **state)
{
    struct sample_fixture *f = *state;

    assert_string_equal(
        read_body(f, "{\"good\": 2,\"email\":\"x\" , \"name\":1.50}"),
        "[{\"type\":\"string_type\",\"loc\":[\"body\",\"name\"],\"msg\":\"Input should be a valid string\","
        "\"input\":1.5},"
        "{\"type\":\"value_error\",\"loc\":[\"body\",\"email\"],\"msg\":\"value is not a valid email "
        "address: "
        "No \\\"@\\\" here.\",\"input\":\"x\",\"ctx\":{\"reason\":\"No \\\"@\\\" here.\"}},"
        "{\"type\":\"missing\",\"loc\":[\"body\",\"count\"],\"msg\":\"Field required\","
        "\"input\":{\"good\":2,\"email\":\"x\",\"name\":1.5}},"
        "{\"type\":\"bool_parsing\",\"loc\":[\"body\",\"good\"],\"msg\":\"Input should be a valid boolean, "
        "unable to interpret input\",\"input\":2}]");
    assert_int_equal(f->faults.count, 4);
}

struct page {
    int64_t skip;
    int64_t days;
    int8_t wanted;
    struct text type;
};

#define OF struct page
static const struct field page_fields[] = {
    FIELD(INT, skip, .max = 100, .fallback = "10"),
    FIELD(INT, days, .flags = FIELD_CAPPED, .max = INT64_MAX, .fallback = "7"),
    FIELD(BOOL, wanted),
    FIELD(TEXT, type, .flags = FIELD_REQUIRED, .limit = 3),
};
static const struct shape page_shape = SHAPE("Page", NULL, page_fields);
#undef OF

static const char *read_page(struct sample_fixture *f, const struct named_text *texts, size_t count,
                             struct page *page)
{
    memset(page, 0, sizeof(*page));
    f->faults = faults_start(&f->arena);
    assert_true(shape_read_texts(&page_shape, &f->arena, texts, count, FAULT_QUERY, page, &f->faults));
    return arena_printf(&f->arena, "[%.*s]", (int)f->faults.out.len,
                        f->faults.out.at ? f->faults.out.at : "");
}
static void strings_fill_a_struct_and_the_last_of_a_name_wins(void **state)
{
    const struct named_text texts[] = {
        {TEXT("skip"), TEXT("x")},     {TEXT("type"), TEXT("fs")},
        {TEXT("other"), TEXT("x")},    {TEXT("wanted"), TEXT("on")},
        {TEXT("skip"), TEXT(" 1_0 ")}, {TEXT("days"), TEXT("99999999999999999999")}};
    struct sample_fixture *f = *state;
    struct page page;

    assert_string_equal(read_page(f, texts, 6, &page), "[]");
    assert_int_equal(page.skip, 10);
    assert_true(page.days == INT64_MAX);
    assert_int_equal(page.wanted, 1);
    assert_text(page.type, "fs");
    assert_string_equal(read_page(f, &texts[1], 1, &page), "[]");
    assert_int_equal(page.skip, 10);
    assert_int_equal(page.days, 7);
    assert_int_equal(page.wanted, BOOL_NULL);
}

static void faults_of_strings_name_the_query_or_the_path(void **state)
{
    const struct named_text texts[] = {{TEXT("skip"), TEXT("true")}, {TEXT("days"), TEXT("-1")}};
    struct sample_fixture *f = *state;
    struct page page;

    assert_string_equal(
        read_page(f, texts, 2, &page),
        "[{\"type\":\"int_parsing\",\"loc\":[\"query\",\"skip\"],\"msg\":\"Input should be a valid integer, "
        "unable "
        "to parse string as an integer\",\"input\":\"true\"},"
        "{\"type\":\"greater_than_equal\",\"loc\":[\"query\",\"days\"],\"msg\":\"Input should be greater "
        "than or "
        "equal to 0\",\"input\":\"-1\",\"ctx\":{\"ge\":0}},"
        "{\"type\":\"missing\",\"loc\":[\"query\",\"type\"],\"msg\":\"Field required\",\"input\":null}]");
    const struct named_text low[] = {{TEXT("type"), TEXT("")}, {TEXT("days"), TEXT("-99999999999999999999")}};
    assert_string_equal(read_page(f, low, 2, &page),
                        "[{\"type\":\"int_parsing_size\",\"loc\":[\"query\",\"days\"],\"msg\":\"Unable to "
                        "parse input string as "
                        "an integer, exceeded maximum size\",\"input\":\"-99999999999999999999\"}]");
    const struct named_text long_type = {TEXT("type"), TEXT("abcd")};
    f->faults = faults_start(&f->arena);
    assert_true(shape_read_texts(&page_shape, &f->arena, &long_type, 1, FAULT_PATH, &page, &f->faults));
    assert_text(
        ((struct text){f->faults.out.at, f->faults.out.len}),
        "{\"type\":\"string_too_long\",\"loc\":[\"path\",\"type\"],\"msg\":\"String should have at most 3 "
        "characters\",\"input\":\"abcd\",\"ctx\":{\"max_length\":3}}");
}

static void bodies_that_are_not_json_are_faults(void **state)
{
    struct sample_fixture *f = *state;
    struct faults *faults = &f->faults;

    *faults = faults_start(&f->arena);
    faults_add_invalid_json(faults, &(struct json_error){"Invalid \\escape", 17});
    faults_add_not_json(faults, TEXT("a=\"b\"\xff\xc3\xa9\xc3"));
    faults_add_not_json(faults, TEXT(""));
    assert_int_equal(faults->count, 3);
    assert_string_equal(
        arena_string(&f->arena, (struct text){faults->out.at, faults->out.len}),
        "{\"type\":\"json_invalid\",\"loc\":[\"body\",17],\"msg\":\"JSON decode error\",\"input\":{},"
        "\"ctx\":{\"error\":\"Invalid \\\\escape\"}},"
        "{\"type\":\"model_attributes_type\",\"loc\":[\"body\"],\"msg\":\"Input should be a valid dictionary "
        "or "
        "object to extract fields from\",\"input\":\"a=\\\"b\\\"\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\"},"
        "{\"type\":\"missing\",\"loc\":[\"body\"],\"msg\":\"Field required\",\"input\":null}");
}

static void faults_are_kept_up_to_their_limit(void **state)
{
    struct sample_fixture *f = *state;
    struct writer w = writer_start(&f->arena);

    write_char(&w, '[');
    for (int i = 0; i < FAULTS_LIMIT + 5; i++)
        write_bytes(&w, i ? ",1" : "1", i ? 2 : 1);
    write_bytes(&w, "]", sizeof("]"));
    read_with(f, "tags", w.at);
    assert_int_equal(f->faults.count, FAULTS_LIMIT);
}

static void exhausted_memory_is_told(void **state)
{
    static const char *const bodies[] = {
        "{\"name\":\"n\",\"count\":\"1_0\",\"good\":1,\"tags\":[\"a\"],\"uses\":{\"a\":\"1\"}}",
        "{\"name\":5,\"email\":\"x\",\"good\":null,\"tags\":[null],\"uses\":{\"a\":\"x\"},\"data\":1,"
        "\"small\":11}",
    };
    struct sample_fixture *f = *state;

    for (size_t i = 0; i < COUNT(bodies); i++) {
        const struct json *value;
        struct json_error error;
        struct arena parsed = {0};
        size_t refused = 0;
        assert_int_equal(json_parse(&parsed, text_of(bodies[i]), &value, &error), JSON_OK);
        struct faults whole = faults_start(&parsed);
        memset(&f->sample, 0, sizeof(f->sample));
        assert_true(shape_read_json(&sample_shape, &parsed, value, &f->sample, &whole));
        for (size_t left = 0;; left += 16, refused++) {
            struct arena scarce = {.held = ARENA_LIMIT - left};
            memset(&f->sample, 0, sizeof(f->sample));
            struct faults faults = faults_start(&scarce);
            bool good = shape_read_json(&sample_shape, &scarce, value, &f->sample, &faults);
            if (good)
                assert_true(text_equal((struct text){faults.out.at, faults.out.len},
                                       (struct text){whole.out.at, whole.out.len}));
            arena_free(&scarce);
            if (good)
                break;
        }
        arena_free(&parsed);
        assert_in_range(refused, 10, 10000);
    }
    struct faults faults = faults_start(&f->arena);
    const struct json *value;
    struct json_error error;
    memset(&f->sample, 0, sizeof(f->sample));
    assert_int_equal(
        json_parse(&f->arena, TEXT("{\"name\":\"n\",\"email\":\"out of memory\"}"), &value, &error), JSON_OK);
    assert_false(shape_read_json(&sample_shape, &f->arena, value, &f->sample, &faults));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(a_whole_body_fills_the_struct),
        SAMPLE_TEST(absent_members_have_their_fallback_or_null),
        SAMPLE_TEST(null_is_a_value_where_it_is_declared_so),
        SAMPLE_TEST(a_body_that_is_no_object_is_one_fault),
        SAMPLE_TEST(all_faults_come_at_once_in_declared_order),
        SAMPLE_TEST(strings_fill_a_struct_and_the_last_of_a_name_wins),
        SAMPLE_TEST(faults_of_strings_name_the_query_or_the_path),
        SAMPLE_TEST(bodies_that_are_not_json_are_faults),
        SAMPLE_TEST(faults_are_kept_up_to_their_limit),
        SAMPLE_TEST(exhausted_memory_is_told),
    };

    return cmocka_run_group_tests_name("shape", tests, NULL, NULL);
}
