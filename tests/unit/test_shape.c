#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/declare.h"
#include "common/email/email.h"
#include "common/shape/shape.h"

/* The rules of addresses have tests of their own; this stands in for them, so that each answer can be had. */
bool email_normalise(struct arena *arena, struct text input, struct text *normal, const char **reason)
{
    (void)arena;
    *reason = text_equal(input, TEXT("out of memory")) ? NULL : "No \"@\" here.";
    *normal = TEXT("a@b.co");
    return memchr(input.at, '@', input.len);
}

struct sample {
    struct text name;
    struct text email;
    int64_t count;
    int8_t good;
    struct texts tags;
    struct text uses;
    struct text data;
    struct text note;
    int64_t small;
    bool note_sent;
};

#define FIELD(label, kind, member, ...)                                                                      \
    {                                                                                                        \
        .name = label, .type = kind, .at = offsetof(struct sample, member), __VA_ARGS__                      \
    }

static const struct field sample_fields[] = {
    FIELD("name", FIELD_TEXT, name, .flags = FIELD_REQUIRED, .limit = 4),
    FIELD("email", FIELD_EMAIL, email, .flags = FIELD_NULLABLE),
    FIELD("count", FIELD_INT, count, .flags = FIELD_REQUIRED),
    FIELD("good", FIELD_BOOL, good, .flags = FIELD_REQUIRED),
    FIELD("tags", FIELD_TEXTS, tags, .flags = FIELD_NULLABLE, .fallback = "[]"),
    FIELD("uses", FIELD_INT_MAP, uses, .fallback = "{}"),
    FIELD("data", FIELD_OBJECT, data, .fallback = "{\"x\":1}"),
    FIELD("note", FIELD_TEXT, note, .flags = FIELD_NULLABLE, .sent_at = offsetof(struct sample, note_sent)),
    FIELD("small", FIELD_INT, small, .min = 0, .max = 9, .fallback = "5"),
    {.name = "old", .type = FIELD_IGNORED},
};
static const struct shape sample_shape = {
    .name = "Sample",
    .size = sizeof(struct sample),
    .fields = sample_fields,
    .count = COUNT(sample_fields),
};

struct fixture {
    struct arena arena;
    struct sample sample;
    struct faults faults;
};

static int set_up(void **state)
{
    struct fixture *f = *state = calloc(1, sizeof(struct fixture));

    shape_set_limits(&(struct shape_limits){.text = TEXT_LIMIT, .list = LIST_LIMIT});
    return f ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    arena_free(&f->arena);
    free(f);
    return 0;
}

/* Reads a body; its faults in brackets. */
static const char *read_body(struct fixture *f, const char *body)
{
    const struct json *value;
    struct json_error error;

    memset(&f->sample, 0, sizeof(f->sample));
    f->faults = faults_start(&f->arena);
    assert_int_equal(json_parse(&f->arena, text_of(body), &value, &error), JSON_OK);
    assert_true(shape_read_json(&sample_shape, &f->arena, value, &f->sample, &f->faults));
    assert_false(f->faults.out.failed);
    return arena_printf(&f->arena, "[%.*s]", (int)f->faults.out.len,
                        f->faults.out.at ? f->faults.out.at : "");
}

/* Reads a body that is good but for one member; its faults in brackets. */
static const char *read_with(struct fixture *f, const char *name, const char *value)
{
    return read_body(
        f, arena_printf(&f->arena, "{\"name\":\"n\",\"count\":1,\"good\":true,\"%s\":%s}", name, value));
}

#define assert_text(actual, expected) assert_true(text_equal((actual), text_of(expected)))

/* That a member's value has the one fault given by its type, message and context. */
static void assert_fault(struct fixture *f, const char *name, const char *value, const char *type,
                         const char *message, const char *context)
{
    const char *expected = arena_printf(
        &f->arena, "[{\"type\":\"%s\",\"loc\":[\"body\",\"%s\"],\"msg\":\"%s\",\"input\":%s%s%s}]", type,
        name, message, value, context ? ",\"ctx\":" : "", context ? context : "");

    assert_string_equal(read_with(f, name, value), expected);
}

static void a_whole_body_fills_the_struct(void **state)
{
    struct fixture *f = *state;

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
    assert_text(f->sample.uses, "{\"cpu\": 1}");
    assert_text(f->sample.data, "{ \"k\":[1.0] }");
    assert_text(f->sample.note, "hi");
    assert_true(f->sample.note_sent);
    assert_int_equal(f->sample.small, 9);
}

static void absent_members_have_their_fallback_or_null(void **state)
{
    struct fixture *f = *state;

    assert_string_equal(read_with(f, "unknown", "0"), "[]");
    assert_null(f->sample.email.at);
    assert_non_null(f->sample.tags.items);
    assert_int_equal(f->sample.tags.count, 0);
    assert_text(f->sample.uses, "{}");
    assert_text(f->sample.data, "{\"x\":1}");
    assert_null(f->sample.note.at);
    assert_false(f->sample.note_sent);
    assert_int_equal(f->sample.small, 5);
}

static void null_is_a_value_where_it_is_declared_so(void **state)
{
    struct fixture *f = *state;

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
    struct fixture *f = *state;

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
    struct fixture *f = *state;

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
    struct fixture *f = *state;

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
    struct fixture *f = *state;

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
    struct fixture *f = *state;

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
    struct fixture *f = *state;

    assert_string_equal(read_with(f, "name", "\"\xc3\xa9\xf0\x9f\x98\x80xy\""), "[]");
    assert_fault(f, "name", "\"abcde\"", "string_too_long", "String should have at most 4 characters",
                 "{\"max_length\":4}");
    shape_set_limits(&(struct shape_limits){.text = 1, .list = LIST_LIMIT});
    assert_fault(f, "note", "\"ab\"", "string_too_long", "String should have at most 1 character",
                 "{\"max_length\":1}");
}

static void lists_hold_strings_up_to_the_limit(void **state)
{
    struct fixture *f = *state;

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
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_string_equal(read_with(f, "uses", rows[i].sent), "[]");
        assert_string_equal(arena_string(&f->arena, f->sample.uses), rows[i].kept);
    }
}

static void integer_maps_name_the_member_of_a_fault(void **state)
{
    struct fixture *f = *state;

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

struct page {
    int64_t skip;
    int64_t days;
    int8_t wanted;
    struct text type;
};

static const struct field page_fields[] = {
    {.name = "skip", .type = FIELD_INT, .at = offsetof(struct page, skip), .max = 100, .fallback = "10"},
    {.name = "days", .type = FIELD_INT, .at = offsetof(struct page, days), .max = INT64_MAX, .fallback = "7"},
    {.name = "wanted", .type = FIELD_BOOL, .at = offsetof(struct page, wanted)},
    {.name = "type",
     .type = FIELD_TEXT,
     .at = offsetof(struct page, type),
     .flags = FIELD_REQUIRED,
     .limit = 3},
};
static const struct shape page_shape = {
    .name = "Page", .size = sizeof(struct page), .fields = page_fields, .count = 4};

static const char *read_page(struct fixture *f, const struct named_text *texts, size_t count,
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
    struct fixture *f = *state;
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
    struct fixture *f = *state;
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
    struct fixture *f = *state;
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
    struct fixture *f = *state;
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
    struct fixture *f = *state;

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

struct out {
    struct text name;
    int64_t number;
    int8_t flag;
    double average, rate;
    int64_t time;
    struct texts texts;
    struct text object;
    struct rows rows;
};

static const struct field inner_fields[] = {
    {.name = "name", .type = FIELD_TEXT, .at = offsetof(struct out, name)},
    {.name = "number", .type = FIELD_INT, .at = offsetof(struct out, number)},
};
static const struct shape inner_shape = {
    .name = "Inner", .size = sizeof(struct out), .fields = inner_fields, .count = 2};

static const struct field out_fields[] = {
    {.name = "name", .type = FIELD_TEXT, .at = offsetof(struct out, name)},
    {.name = "number", .type = FIELD_INT, .at = offsetof(struct out, number)},
    {.name = "flag", .type = FIELD_BOOL, .at = offsetof(struct out, flag)},
    {.name = "average", .type = FIELD_FLOAT, .at = offsetof(struct out, average)},
    {.name = "rate", .type = FIELD_FLOAT, .at = offsetof(struct out, rate), .flags = FIELD_ZERO},
    {.name = "naive", .type = FIELD_TIME_NAIVE, .at = offsetof(struct out, time)},
    {.name = "z", .type = FIELD_TIME_Z, .at = offsetof(struct out, time)},
    {.name = "offset", .type = FIELD_TIME_OFFSET, .at = offsetof(struct out, time)},
    {.name = "texts", .type = FIELD_TEXTS, .at = offsetof(struct out, texts)},
    {.name = "object", .type = FIELD_OBJECT, .at = offsetof(struct out, object)},
    {.name = "list", .type = FIELD_LIST, .at = offsetof(struct out, rows), .of = &inner_shape},
    {.name = "map", .type = FIELD_MAP, .at = offsetof(struct out, rows), .of = &inner_shape},
    {.name = "const", .type = FIELD_CONST, .example = "{\"status\":\"ok\"}"},
    {.name = "hidden", .type = FIELD_IGNORED},
};
static const struct shape out_shape = {
    .name = "Out", .size = sizeof(struct out), .fields = out_fields, .count = COUNT(out_fields)};

static void a_struct_is_printed_in_declared_order(void **state)
{
    struct out rows[] = {{.name = TEXT("x"), .number = 1}, {.name = TEXT_NULL, .number = INT_NULL}};
    struct text tag = TEXT("t");
    struct out out = {.name = TEXT("\"n\""),
                      .number = -3,
                      .flag = 1,
                      .average = 295,
                      .rate = 0.5,
                      .time = 1745051438538812,
                      .texts = {&tag, 1},
                      .object = TEXT("{\"k\": 1.0}"),
                      .rows = {rows, 2}};
    struct fixture *f = *state;
    struct writer w = writer_start(&f->arena);

    shape_write(&w, &out_shape, &out);
    assert_string_equal(
        arena_string(&f->arena, (struct text){w.at, w.len}),
        "{\"name\":\"\\\"n\\\"\",\"number\":-3,\"flag\":true,\"average\":295.0,\"rate\":0.5,"
        "\"naive\":\"2025-04-19T08:30:38.538812\",\"z\":\"2025-04-19T08:30:38.538812Z\","
        "\"offset\":\"2025-04-19T08:30:38.538812+00:00\",\"texts\":[\"t\"],\"object\":{\"k\": 1.0},"
        "\"list\":[{\"name\":\"x\",\"number\":1},{\"name\":null,\"number\":null}],"
        "\"map\":{\"x\":{\"number\":1},\"null\":{\"number\":null}},\"const\":{\"status\":\"ok\"}}");
}

static void nulls_are_printed_as_null_and_rates_of_nothing_as_zero(void **state)
{
    const double nan = strtod("nan", NULL);
    struct out out = {.number = INT_NULL, .flag = BOOL_NULL, .average = nan, .rate = nan, .time = INT_NULL};
    struct fixture *f = *state;
    struct writer w = writer_start(&f->arena);

    shape_write(&w, &out_shape, &out);
    assert_string_equal(
        arena_string(&f->arena, (struct text){w.at, w.len}),
        "{\"name\":null,\"number\":null,\"flag\":null,\"average\":null,\"rate\":0,\"naive\":null,\"z\":null,"
        "\"offset\":null,\"texts\":null,\"object\":null,\"list\":[],\"map\":{},\"const\":{\"status\":\"ok\"}"
        "}");
    w = writer_start(&f->arena);
    shape_write_list(&w, &inner_shape, (struct rows){&out, 1});
    shape_write_list(&w, &inner_shape, (struct rows){NULL, 0});
    assert_string_equal(arena_string(&f->arena, (struct text){w.at, w.len}),
                        "[{\"name\":null,\"number\":null}][]");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_whole_body_fills_the_struct),
        TEST(absent_members_have_their_fallback_or_null),
        TEST(null_is_a_value_where_it_is_declared_so),
        TEST(a_body_that_is_no_object_is_one_fault),
        TEST(all_faults_come_at_once_in_declared_order),
        TEST(integers_are_coerced_as_pydantic_does),
        TEST(integers_have_bounds),
        TEST(booleans_are_coerced_as_pydantic_does),
        TEST(texts_are_counted_in_code_points),
        TEST(lists_hold_strings_up_to_the_limit),
        TEST(integer_maps_keep_every_byte_that_is_an_integer),
        TEST(integer_maps_name_the_member_of_a_fault),
        TEST(strings_fill_a_struct_and_the_last_of_a_name_wins),
        TEST(faults_of_strings_name_the_query_or_the_path),
        TEST(bodies_that_are_not_json_are_faults),
        TEST(faults_are_kept_up_to_their_limit),
        TEST(exhausted_memory_is_told),
        TEST(a_struct_is_printed_in_declared_order),
        TEST(nulls_are_printed_as_null_and_rates_of_nothing_as_zero),
    };

    return cmocka_run_group_tests_name("shape", tests, NULL, NULL);
}
