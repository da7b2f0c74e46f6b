#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/declare.h"
#include "common/json/json.h"
#include "common/json/json_scan.h"
#include "common/json/writer.h"

struct fixture {
    struct arena arena;
    char *bytes; /* of exactly the length parsed, so that a sanitizer sees a read beyond them */
    const struct json *root;
    struct json_error error;
};

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct fixture));
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    arena_free(&f->arena);
    free(f->bytes);
    free(f);
    return 0;
}

static enum json_status parse(struct fixture *f, struct text t)
{
    arena_reset(&f->arena);
    free(f->bytes);
    f->bytes = malloc(t.len ? t.len : 1);
    assert_non_null(f->bytes);
    if (t.len)
        memcpy(f->bytes, t.at, t.len);
    return json_parse(&f->arena, (struct text){f->bytes, t.len}, &f->root, &f->error);
}

static enum json_status parse_string(struct fixture *f, const char *string)
{
    return parse(f, text_of(string));
}

#define assert_text(actual, expected) assert_true(text_equal((actual), text_of(expected)))

static void errors_have_the_words_and_places_of_python(void **state)
{
    /* What json.loads of Python 3.13 said. */
    static const struct {
        const char *text, *reason;
        size_t position;
    } rows[] = {
        {"", "Expecting value", 0},
        {" ", "Expecting value", 1},
        {"{", "Expecting property name enclosed in double quotes", 1},
        {"{bad", "Expecting property name enclosed in double quotes", 1},
        {"{\"a\"", "Expecting ':' delimiter", 4},
        {"{\"a\" 1}", "Expecting ':' delimiter", 5},
        {"{\"a\":", "Expecting value", 5},
        {"{\"a\":}", "Expecting value", 5},
        {"{\"a\":1", "Expecting ',' delimiter", 6},
        {"{\"a\":1 \"b\":2}", "Expecting ',' delimiter", 7},
        {"{\"a\":1,}", "Illegal trailing comma before end of object", 6},
        {"{\"a\":1 , }", "Illegal trailing comma before end of object", 7},
        {"{\"a\":1,", "Expecting property name enclosed in double quotes", 7},
        {"{\"a\":1,2}", "Expecting property name enclosed in double quotes", 7},
        {"{'a':1}", "Expecting property name enclosed in double quotes", 1},
        {"[", "Expecting value", 1},
        {"[1", "Expecting ',' delimiter", 2},
        {"[1 2]", "Expecting ',' delimiter", 3},
        {"[1,]", "Illegal trailing comma before end of array", 2},
        {"[1,", "Expecting value", 3},
        {"[,1]", "Expecting value", 1},
        {"]", "Expecting value", 0},
        {"\"abc", "Unterminated string starting at", 0},
        {"\"abc\\", "Unterminated string starting at", 0},
        {"\"\\x\"", "Invalid \\escape", 1},
        {"\"\\u12\"", "Invalid \\uXXXX escape", 2},
        {"\"\\u12g4\"", "Invalid \\uXXXX escape", 2},
        {"\"\\u0041", "Invalid \\uXXXX escape", 2},
        {"\"\xc3\xa9\\ud83d\\u12\"", "Invalid \\uXXXX escape", 9},
        {"\"a\tb\"", "Invalid control character at", 2},
        {"\"\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x98\x80\n\"", "Invalid control character at", 4},
        {"nul", "Expecting value", 0},
        {"True", "Expecting value", 0},
        {"-", "Expecting value", 0},
        {"-a", "Expecting value", 0},
        {"01", "Extra data", 1},
        {"1.", "Extra data", 1},
        {"1.e5", "Extra data", 1},
        {"1e", "Extra data", 1},
        {"1e+", "Extra data", 1},
        {".5", "Expecting value", 0},
        {"+1", "Expecting value", 0},
        {"1 2", "Extra data", 2},
        {"{\"\xc3\xa9\":1}x", "Extra data", 7},
        {"\xc2\xa0"
         "1",
         "Expecting value", 0},
        {"[1]]", "Extra data", 3},
        {"/* */1", "Expecting value", 0},
        {"[tru]", "Expecting value", 1},
        {"{\"a\":nul}", "Expecting value", 5},
        {"{\"a\":\"b", "Unterminated string starting at", 5},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        if (parse_string(f, rows[i].text) != JSON_INVALID)
            fail_msg("%s is taken", rows[i].text);
        if (strcmp(f->error.reason, rows[i].reason) != 0 || f->error.position != rows[i].position)
            fail_msg("%s: %s at %zu", rows[i].text, f->error.reason, f->error.position);
    }
}

static void what_python_takes_beyond_json_is_refused(void **state)
{
    static const char *const rows[] = {
        "NaN",
        "Infinity",
        "-Infinity",
        "[NaN]",
        "1e999",
        "-1e999",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800x\"",
        "\"\\ud800\\n\"",
        "\"\\u0000\"",
        "{\"\\u0000\":1}",
        "\"\\ud800\\ud800\"",
        "\"\\udc00\\udc00\"",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(rows); i++)
        if (parse_string(f, rows[i]) != JSON_INVALID)
            fail_msg("%s is taken", rows[i]);
    assert_int_equal(parse(f, TEXT("[\"a\0b\"]")), JSON_INVALID);
    assert_int_equal(parse(f, TEXT("1\0")), JSON_INVALID);
    assert_int_equal(parse(f, TEXT("\"\\\0\"")), JSON_INVALID);
}

static void invalid_utf8_is_unreadable_wherever_it_is(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse_string(f, "\"\xff\""), JSON_UNREADABLE);
    assert_int_equal(parse_string(f, "\"\xed\xa0\x80\""), JSON_UNREADABLE);
    assert_int_equal(parse_string(f, "{bad \xc0\x80"), JSON_UNREADABLE);
}

static enum json_status parse_nested(struct fixture *f, const char *open, const char *close, int depth)
{
    char text[1024] = "";
    size_t len = 0;

    for (int i = 0; i < depth; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", open);
    len += (size_t)snprintf(text + len, sizeof(text) - len, "1");
    for (int i = 0; i < depth; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", close);
    return parse(f, (struct text){text, len});
}

static void nesting_is_bounded(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse_nested(f, "[", "]", JSON_DEPTH), JSON_OK);
    assert_int_equal(parse_nested(f, "[", "]", JSON_DEPTH + 1), JSON_UNREADABLE);
    assert_int_equal(parse_nested(f, "{\"a\":", "}", JSON_DEPTH), JSON_OK);
    assert_int_equal(parse_nested(f, "{\"a\":", "}", JSON_DEPTH + 1), JSON_UNREADABLE);
}

/* An integer of `count` nines between two texts. */
static enum json_status parse_nines(struct fixture *f, const char *before, size_t count, const char *after)
{
    static char text[2 * JSON_DIGITS];
    size_t first = strlen(before);

    assert_true(first + count + strlen(after) < sizeof(text));
    memcpy(text, before, first);
    memset(text + first, '9', count);
    memcpy(text + first + count, after, strlen(after) + 1);
    return parse_string(f, text);
}

static void integers_have_at_most_4300_digits(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse_nines(f, "", JSON_DIGITS, ""), JSON_OK);
    assert_int_equal(parse_nines(f, "-", JSON_DIGITS, ""), JSON_OK);
    assert_int_equal(parse_nines(f, "", JSON_DIGITS + 1, ""), JSON_UNREADABLE);
    assert_int_equal(parse_nines(f, "[-", JSON_DIGITS + 1, "]"), JSON_UNREADABLE);
    assert_int_equal(parse_nines(f, "0.", JSON_DIGITS + 1, ""), JSON_OK);
    assert_int_equal(parse_nines(f, "", JSON_DIGITS + 1, "e-4299"), JSON_OK);
}

static void long_numbers_keep_their_bytes_and_their_double(void **state)
{
    struct fixture *f = *state;

    for (size_t count = 50; count < 320; count++) {
        assert_int_equal(parse_nines(f, "{\"a\":[-0.", count, ", true],\"b\":1}"), JSON_OK);
        const struct json *number = json_first(json_member(f->root, "a"));
        assert_int_equal(json_raw(number).len, 3 + count);
        assert_true(json_double(number) == -1.0);
        assert_true(json_bool(json_next(number)));
        assert_true(json_double(json_member(f->root, "b")) == 1.0);
    }
    assert_int_equal(parse_nines(f, "", 400, ""), JSON_OK);
    assert_true(json_is_integer(f->root));
    assert_int_equal(json_raw(f->root).len, 400);
    assert_true(json_double(f->root) == 0x1.fffffffffffffp1023);
    assert_int_equal(parse_nines(f, "", 400, ".5"), JSON_INVALID);
}

static void a_tree_has_the_types_values_and_bytes_that_came(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse_string(f, " {\"n\" : null, \"t\":true,\"f\":false, \"i\":-0 ,\"d\":1.50e0,"
                                     "\"s\":\"a\\u00e9\\n\\/\", \"l\":[1, [ ],{} ] , \"o\":{ } }\r\n"),
                     JSON_OK);
    assert_int_equal(json_type(f->root), JSON_OBJECT);
    assert_int_equal(json_type(json_member(f->root, "n")), JSON_NULL);
    assert_int_equal(json_type(json_member(f->root, "t")), JSON_BOOL);
    assert_true(json_bool(json_member(f->root, "t")));
    assert_int_equal(json_type(json_member(f->root, "f")), JSON_BOOL);
    assert_false(json_bool(json_member(f->root, "f")));
    assert_true(json_is_integer(json_member(f->root, "i")));
    assert_text(json_raw(json_member(f->root, "i")), "-0");
    assert_false(json_is_integer(json_member(f->root, "d")));
    assert_true(json_double(json_member(f->root, "d")) == 1.5);
    assert_text(json_raw(json_member(f->root, "d")), "1.50e0");
    assert_text(json_text(json_member(f->root, "s")), "a\xc3\xa9\n/");
    assert_text(json_raw(json_member(f->root, "s")), "\"a\\u00e9\\n\\/\"");
    const struct json *list = json_member(f->root, "l");
    assert_int_equal(json_type(list), JSON_LIST);
    assert_text(json_raw(list), "[1, [ ],{} ]");
    assert_text(json_raw(json_next(json_first(list))), "[ ]");
    assert_text(json_raw(json_next(json_next(json_first(list)))), "{}");
    assert_null(json_next(json_next(json_next(json_first(list)))));
    assert_text(json_raw(json_member(f->root, "o")), "{ }");
    assert_text(json_name(json_first(f->root)), "n");
    assert_ptr_equal(json_raw(f->root).at, f->bytes + 1);
}

static void member_names_are_exact_and_the_last_wins(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse_string(f, "{\"a\":1,\"A\":2,\"a\":3,\"\":4,\"\\u0061b\":5}"), JSON_OK);
    assert_text(json_raw(json_member(f->root, "a")), "3");
    assert_text(json_raw(json_member(f->root, "A")), "2");
    assert_text(json_raw(json_member(f->root, "")), "4");
    assert_text(json_raw(json_member(f->root, "ab")), "5");
    assert_null(json_member(f->root, "b"));
}

static void entries_have_the_last_value_at_the_first_place(void **state)
{
    struct fixture *f = *state;
    struct json_entry *entries;
    size_t count;

    assert_int_equal(parse_string(f, "{\"b\":1,\"a\":2,\"b\":3,\"aa\":4,\"a\":5,\"b\":6}"), JSON_OK);
    assert_true(json_entries(&f->arena, f->root, &entries, &count));
    assert_int_equal(count, 3);
    assert_text(entries[0].name, "b");
    assert_text(json_raw(entries[0].value), "6");
    assert_text(entries[1].name, "a");
    assert_text(json_raw(entries[1].value), "5");
    assert_text(entries[2].name, "aa");
    assert_text(json_raw(entries[2].value), "4");
    assert_int_equal(parse_string(f, "{}"), JSON_OK);
    assert_true(json_entries(&f->arena, f->root, &entries, &count));
    assert_int_equal(count, 0);
}

static void a_byte_order_mark_is_skipped(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(parse_string(f, "\xef\xbb\xbf[1]"), JSON_OK);
    assert_text(json_raw(f->root), "[1]");
    assert_int_equal(parse_string(f, "\xef\xbb\xbf[x"), JSON_INVALID);
    assert_int_equal(f->error.position, 1);
    assert_int_equal(parse_string(f, "\xef\xbb\xbf\xef\xbb\xbf[1]"), JSON_INVALID);
    assert_int_equal(parse(f, TEXT_NULL), JSON_INVALID);
}

static void many_members_are_read_and_merged(void **state)
{
    enum { MEMBERS = 100000, NAMES = 70000 };
    struct fixture *f = *state;
    size_t len = 0, room = MEMBERS * 20;
    char *text = malloc(room);
    struct json_entry *entries;
    size_t count;

    assert_non_null(text);
    for (int i = 0; i < MEMBERS; i++)
        len += (size_t)snprintf(text + len, room - len, "%c\"%d\":%d", i ? ',' : '{', i % NAMES, i);
    text[len++] = '}';
    assert_int_equal(parse(f, (struct text){text, len}), JSON_OK);
    free(text);
    assert_text(json_raw(json_member(f->root, "7")), "70007");
    assert_true(json_entries(&f->arena, f->root, &entries, &count));
    assert_int_equal(count, NAMES);
    for (int i = 0; i < NAMES; i++)
        assert_int_equal(strtol(json_raw(entries[i].value).at, NULL, 10),
                         i + NAMES < MEMBERS ? i + NAMES : i);
}

static void exhausted_memory_is_told(void **state)
{
    static const char text[] = "{\"a\":[1,\"x\",0."
                               "1234567890123456789012345678901234567890123456789012345678901234567890]}";
    struct fixture *f = *state;
    size_t refused = 0;

    for (size_t left = 0;; left += 16) {
        f->arena.held = ARENA_LIMIT - left;
        enum json_status status = json_parse(&f->arena, text_of(text), &f->root, &f->error);
        arena_free(&f->arena);
        if (status == JSON_OK)
            break;
        assert_int_equal(status, JSON_NO_MEMORY);
        refused++;
    }
    assert_in_range(refused, 20, 1000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(errors_have_the_words_and_places_of_python),
        TEST(what_python_takes_beyond_json_is_refused),
        TEST(invalid_utf8_is_unreadable_wherever_it_is),
        TEST(nesting_is_bounded),
        TEST(integers_have_at_most_4300_digits),
        TEST(long_numbers_keep_their_bytes_and_their_double),
        TEST(a_tree_has_the_types_values_and_bytes_that_came),
        TEST(member_names_are_exact_and_the_last_wins),
        TEST(entries_have_the_last_value_at_the_first_place),
        TEST(a_byte_order_mark_is_skipped),
        TEST(many_members_are_read_and_merged),
        TEST(exhausted_memory_is_told),
    };

    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
