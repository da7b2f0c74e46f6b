#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/declare.h"
#include "common/json/writer.h"

#define ORACLE_ROWS 20000 /* values that Python is asked about */

static struct arena arena;

static int free_arena(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

#define assert_written(w, expected)                                                                          \
    do {                                                                                                     \
        assert_false((w)->failed);                                                                           \
        assert_string_equal(arena_string(&arena, (struct text){(w)->at, (w)->len}), (expected));             \
    } while (0)

static void bytes_follow_one_another(void **state)
{
    struct writer w = writer_start(&arena);

    (void)state;
    write_literal(&w, "ab");
    write_char(&w, 'c');
    write_text(&w, TEXT("de"));
    write_text(&w, TEXT_NULL);
    write_bytes(&w, "fg", 1);
    assert_written(&w, "abcdef");
}

static void a_long_text_grows_the_buffer(void **state)
{
    struct writer w = writer_start(&arena);

    (void)state;
    for (int i = 0; i < 100000; i++) {
        write_char(&w, (char)('a' + i % 26));
        if (i % 1000 == 0)
            arena_alloc(&arena, 8); /* so that it cannot always grow in place */
    }
    assert_false(w.failed);
    assert_int_equal(w.len, 100000);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(w.at[i], 'a' + i % 26);
}

static size_t taken;
static char last_taken;

static void take(struct writer *w)
{
    assert_int_equal(w->len, WRITER_PART);
    taken += w->len;
    last_taken = w->at[w->len - 1];
    w->len = 0;
}

static void a_full_part_is_taken_away_when_more_comes(void **state)
{
    struct writer w = writer_start(&arena);
    static char large[3 * WRITER_PART];

    (void)state;
    taken = 0;
    w.full = take;
    memset(large, 'a', sizeof(large));
    large[sizeof(large) - 1] = 'z';
    write_bytes(&w, large, sizeof(large));
    assert_int_equal(taken, 2 * WRITER_PART);
    assert_int_equal(w.len, WRITER_PART);
    write_char(&w, '!');
    assert_int_equal(taken, 3 * WRITER_PART);
    assert_int_equal(last_taken, 'z');
    assert_written(&w, "!");
    assert_int_equal(w.size, WRITER_PART);
}

static void a_failure_sticks(void **state)
{
    struct writer w = writer_start(&arena);
    static const char bytes[1 << 16];

    (void)state;
    for (size_t i = 0; i < WRITER_LIMIT / sizeof(bytes); i++)
        write_bytes(&w, bytes, sizeof(bytes));
    assert_false(w.failed);
    write_char(&w, 'x');
    assert_true(w.failed);
    assert_int_equal(w.len, WRITER_LIMIT);

    struct arena full = {.held = ARENA_LIMIT - 64};
    struct writer v = writer_start(&full);
    write_char(&v, 'x');
    assert_true(v.failed);
    full.held = 0;
    write_char(&v, 'y');
    assert_true(v.failed);
    assert_int_equal(v.len, 0);
    arena_free(&full);
}

static void strings_are_escaped_as_python_escapes_them(void **state)
{
    struct writer w = writer_start(&arena);

    (void)state;
    write_json_text(&w, TEXT("\x01\b\t\n\v\f\r\x1f \"\\/\x7f\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80"));
    write_json_text(&w, TEXT(""));
    write_json_text(&w, TEXT_NULL);
    assert_written(&w, "\"\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f \\\"\\\\/\x7f\xc3\xa9\xe2\x80\xa8"
                       "\xf0\x9f\x98\x80\"\"\"null");
}

static void lists_of_strings_know_null_from_empty(void **state)
{
    struct text items[] = {TEXT("a"), TEXT_NULL, TEXT("b\"")};
    struct writer w = writer_start(&arena);

    (void)state;
    write_json_texts(&w, (struct texts){NULL, 0});
    write_json_texts(&w, (struct texts){items, 0});
    write_json_texts(&w, (struct texts){items, 3});
    assert_written(&w, "null[][\"a\",null,\"b\\\"\"]");
}

static void what_a_url_cannot_have_is_percent_encoded(void **state)
{
    struct writer w = writer_start(&arena);

    (void)state;
    write_url(&w, ((struct text){"aZ09-._~/%\0\x7f\xc3\xa9\n", 15}), "");
    write_char(&w, ' ');
    write_url(&w, ((struct text){"/a%20\0b", 7}), "/%");
    assert_written(&w, "aZ09-._~%2F%25%00%7F%C3%A9%0A /a%20%00b");
}

static void integers_and_booleans_are_printed(void **state)
{
    struct writer w = writer_start(&arena);

    (void)state;
    write_int(&w, 0);
    write_char(&w, ' ');
    write_int(&w, INT64_MIN);
    write_char(&w, ' ');
    write_int(&w, INT64_MAX);
    write_char(&w, ' ');
    write_int(&w, -10);
    write_bool(&w, true);
    write_bool(&w, false);
    assert_written(&w, "0 -9223372036854775808 9223372036854775807 -10truefalse");
}

static void floats_that_are_no_numbers_are_null(void **state)
{
    struct writer w = writer_start(&arena);

    (void)state;
    write_float(&w, 295);
    write_float(&w, strtod("nan", NULL));
    write_float(&w, -strtod("inf", NULL));
    assert_written(&w, "295.0nullnull");
}

static void floats_are_printed_as_python_prints_them(void **state)
{
    static const struct {
        double d;
        const char *repr;
    } rows[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1.0, "1.0"},
        {295.0, "295.0"},
        {0.1, "0.1"},
        {12.0 / 13, "0.9230769230769231"},
        {1e-7, "1e-07"},
        {1.5e-7, "1.5e-07"},
        {0.0001, "0.0001"},
        {0.00012345, "0.00012345"},
        {0.00001, "1e-05"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {9999999999999998.0, "9999999999999998.0"},
        {12345678901234567.0, "1.2345678901234568e+16"},
        {1e22, "1e+22"},
        {1e23, "1e+23"},
        {-1.5e300, "-1.5e+300"},
        {5e-324, "5e-324"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {0x1.fffffffffffffp1023, "1.7976931348623157e+308"},
        {0x1p-44, "5.684341886080802e-14"},
    };
    char out[FLOAT_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t len = float_print(out, rows[i].d);
        if (!text_equal((struct text){out, len}, text_of(rows[i].repr)))
            fail_msg("%s: %.*s", rows[i].repr, (int)len, out);
    }
}

/* Asks Python for ORACLE_ROWS lines of a number in hexadecimal and what `print_number` makes of it. */
static void compare_with_python(const char *script, size_t (*print_number)(char *out, const char *number))
{
    char *command = arena_printf(&arena, "/usr/bin/python3 -c '%s'", script);
    char number[64], expected[64], out[64];
    size_t rows = 0;
    FILE *python = popen(command, "r");

    assert_non_null(python);
    while (fscanf(python, "%63s %63s", number, expected) == 2) {
        size_t len = print_number(out, number);
        if (!text_equal((struct text){out, len}, text_of(expected)))
            fail_msg("%s is %s, not %.*s", number, expected, (int)len, out);
        rows++;
    }
    assert_int_equal(pclose(python), 0);
    assert_int_equal(rows, ORACLE_ROWS);
}

static size_t print_hex_float(char *out, const char *number)
{
    return float_print(out, strtod(number, NULL));
}

/* Bits at random, neighbours of powers of two and of ten, subnormals, few digits. */
static void floats_agree_with_python_over_many_values(void **state)
{
    (void)state;
    compare_with_python("import random, struct, math\n"
                        "def bits(n): return struct.unpack(\"d\", struct.pack(\"Q\", n))[0]\n"
                        "for i in range(20000):\n"
                        "    d = [lambda: bits(random.getrandbits(63) % (2047 << 52)),\n"
                        "         lambda: 2.0 ** random.randint(-1074, 1023),\n"
                        "         lambda: math.nextafter(2.0 ** random.randint(-1074, 1023), 0),\n"
                        "         lambda: float(\"1e%d\" % random.randint(-323, 308)),\n"
                        "         lambda: bits(random.getrandbits(random.randint(1, 52))),\n"
                        "         lambda: random.randint(1, 99999) / 10.0 ** random.randint(0, 9),\n"
                        "         lambda: random.random() * 10.0 ** random.randint(-6, 18)][i % 7]()\n"
                        "    d = random.choice([d, -d])\n"
                        "    print(d.hex(), repr(d))\n",
                        print_hex_float);
}

static size_t print_time(char *out, const char *number)
{
    return time_print(out, (struct moment){strtoll(number, NULL, 16)}, TIME_OFFSET);
}

static void times_agree_with_python_over_the_calendar(void **state)
{
    (void)state;
    compare_with_python(
        "import random\n"
        "from datetime import datetime, timedelta, timezone\n"
        "start = datetime(1970, 1, 1, tzinfo=timezone.utc)\n"
        "low = (datetime.min.replace(tzinfo=timezone.utc) - start) // timedelta(microseconds=1)\n"
        "high = (datetime.max.replace(tzinfo=timezone.utc) - start) // timedelta(microseconds=1)\n"
        "for i in range(20000):\n"
        "    t = random.randint(low, high)\n"
        "    leap = (datetime(random.randint(1, 99) * 100, 2, 28, tzinfo=timezone.utc) - start)"
        " // timedelta(microseconds=1)\n"
        "    t = [t, t // 10**6 * 10**6, leap + i % 3 * 86400 * 10**6, 1745051438538812 + t % 10**13][i % "
        "4]\n"
        "    t = {1: low, 2: high}.get(i, max(t, low))\n"
        "    print(hex(t), (start + timedelta(microseconds=t)).isoformat())\n",
        print_time);
}

static void times_have_their_three_forms(void **state)
{
    struct writer w = writer_start(&arena);

    (void)state;
    write_time(&w, (struct moment){1745051438538812}, TIME_NAIVE);
    write_time(&w, (struct moment){1745051438000000}, TIME_Z);
    write_time(&w, (struct moment){1745051438000001}, TIME_OFFSET);
    write_time(&w, (struct moment){INT64_MIN}, TIME_NAIVE);
    write_time(&w, (struct moment){INT64_MAX}, TIME_NAIVE);
    write_time(&w, (struct moment){253402300800000000}, TIME_NAIVE);
    assert_written(&w, "\"2025-04-19T08:30:38.538812\"\"2025-04-19T08:30:38Z\""
                       "\"2025-04-19T08:30:38.000001+00:00\"\"0001-01-01T00:00:00\""
                       "\"9999-12-31T23:59:59.999999\"\"9999-12-31T23:59:59.999999\"");
}

static void a_parsed_value_is_printed_as_python_would(void **state)
{
    static const char sent[] =
        " { \"b\" : [1, -0, 1.0 ,1E3,12345678901234567890, 1e-7, -0.0 ] , \"\\u0061\":\"\\u00e9\\/\\n\","
        "\"b\":{\"x\": [ ],\"x\":{ }},\"c\":[true,false,null],\"d\":123456789.10 }";
    const struct json *value;
    struct json_error error;
    struct writer w = writer_start(&arena);

    (void)state;
    assert_int_equal(json_parse(&arena, text_of(sent), &value, &error), JSON_OK);
    write_json_again(&w, value);
    assert_written(&w, "{\"b\":{\"x\":{}},\"a\":\"\xc3\xa9/\\n\",\"c\":[true,false,null],\"d\":123456789.1}");
    w = writer_start(&arena);
    write_json_again(&w, json_first(value));
    assert_written(&w, "[1,0,1.0,1000.0,12345678901234567890,1e-07,-0.0]");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, free_arena)
    const struct CMUnitTest tests[] = {
        TEST(bytes_follow_one_another),
        TEST(a_long_text_grows_the_buffer),
        TEST(a_full_part_is_taken_away_when_more_comes),
        TEST(a_failure_sticks),
        TEST(strings_are_escaped_as_python_escapes_them),
        TEST(lists_of_strings_know_null_from_empty),
        TEST(what_a_url_cannot_have_is_percent_encoded),
        TEST(integers_and_booleans_are_printed),
        TEST(floats_that_are_no_numbers_are_null),
        TEST(floats_are_printed_as_python_prints_them),
        TEST(floats_agree_with_python_over_many_values),
        TEST(times_have_their_three_forms),
        TEST(times_agree_with_python_over_the_calendar),
        TEST(a_parsed_value_is_printed_as_python_would),
    };

    return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
