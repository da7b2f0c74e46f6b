#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/log_entry.h"
#include "common/http/request.h"
#include "common/http/timing.h"
#include "common/json/json.h"

#define ROUNDS 20000

static char room[LOG_ENTRY_MAX];

static struct log_entry begin(bool plain)
{
    return log_entry_start(room, plain, TEXT("2025-04-19T08:30:38.538812Z"), LOG_WARNING, "things",
                           TEXT("request"));
}

static struct text end(struct log_entry *entry)
{
    return (struct text){room, log_entry_end(entry)};
}

/* A line without its end as a JSON object; fails when it is none. */
static const struct json *parsed(struct arena *arena, struct text line)
{
    const struct json *value = NULL;
    struct json_error error;

    assert_true(line.len <= LOG_ENTRY_MAX);
    assert_int_equal(line.at[line.len - 1], '\n');
    assert_null(memchr(line.at, '\n', line.len - 1));
    assert_int_equal(json_parse(arena, (struct text){line.at, line.len - 1}, &value, &error), JSON_OK);
    assert_int_equal(json_type(value), JSON_OBJECT);
    return value;
}

static struct text random_text(char *bytes, size_t most)
{
    static const char alphabet[] = "ab@.%40eyJ \"\\\x01\x1b\x7f\xc2\x85\xc3\xa9\xf0\x9f\x99\x82\xff";
    size_t len = (size_t)random() % (most + 1);

    for (size_t i = 0; i < len; i++)
        bytes[i] = random() % 4 ? alphabet[(size_t)random() % (sizeof(alphabet) - 1)] : (char)random();
    return (struct text){bytes, len};
}

static void every_line_is_one_json_object_whatever_the_values_are(void **state)
{
    char first[3000], second[600];

    (void)state;
    srandom(1);
    for (size_t i = 0; i < ROUNDS; i++) {
        struct arena arena = {0};
        struct log_entry entry = begin(false);
        log_entry_text(&entry, "first", random_text(first, i % 8 ? 60 : sizeof(first)));
        log_entry_masked(&entry, "second", random_text(second, sizeof(second)));
        log_entry_int(&entry, "n", random() - RAND_MAX / 2);
        log_entry_milliseconds(&entry, "ms", random());
        log_entry_text(&entry, "last", random_text(second, sizeof(second)));
        parsed(&arena, end(&entry));
        arena_free(&arena);
    }
}

static void a_value_that_fits_reads_back_as_it_was(void **state)
{
    static const struct text values[] = {TEXT(""), TEXT("plain"), TEXT("a \"quoted\" \\ one"),
                                         TEXT("\xc3\xa9 \xf0\x9f\x99\x82")};
    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        struct arena arena = {0};
        struct log_entry entry = begin(false);
        log_entry_text(&entry, "value", values[i]);
        log_entry_text(&entry, "absent", TEXT_NULL);
        const struct json *line = parsed(&arena, end(&entry));
        assert_true(text_equal(json_text(json_member(line, "value")), values[i]));
        assert_true(text_equal(json_text(json_member(line, "level")), TEXT("warning")));
        assert_true(text_equal(json_text(json_member(line, "service")), TEXT("things")));
        assert_null(json_member(line, "absent"));
        arena_free(&arena);
    }
}

static void plain_lines_hold_no_control_characters(void **state)
{
    char bytes[600];

    (void)state;
    srandom(2);
    for (size_t i = 0; i < ROUNDS; i++) {
        struct log_entry entry = begin(true);
        log_entry_masked(&entry, "value", random_text(bytes, sizeof(bytes)));
        struct text line = end(&entry);
        assert_true(text_is_utf8(line));
        for (size_t k = 0; k + 1 < line.len; k++) {
            unsigned char c = (unsigned char)line.at[k];
            assert_true(c >= 0x20 && c != 0x7f);
            assert_false(c == 0xc2 && (unsigned char)line.at[k + 1] < 0xa0);
        }
        assert_int_equal(line.at[line.len - 1], '\n');
    }
}

static void words_that_look_like_addresses_or_tokens_are_masked(void **state)
{
    static const struct {
        const char *value, *logged;
    } cases[] = {
        {"bot/1 (mailto:a@b.co) x", "bot/1 (***) x"},
        {"a@b.co", "***"},
        {"a%40b.co, c", "***, c"},
        {"Bearer eyJhbGciOi.eyJzdWIi.sig", "Bearer ***"},
        {"curl/7.88.1", "curl/7.88.1"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena arena = {0};
        struct log_entry entry = begin(false);
        log_entry_masked(&entry, "value", text_of(cases[i].value));
        const struct json *line = parsed(&arena, end(&entry));
        assert_true(text_equal(json_text(json_member(line, "value")), text_of(cases[i].logged)));
        arena_free(&arena);
    }
}

static void milliseconds_are_printed_as_printf_does(void **state)
{
    char ours[MILLISECONDS_MAX + 1], theirs[MILLISECONDS_MAX + 16];

    (void)state;
    srandom(3);
    for (size_t i = 0; i < ROUNDS; i++) {
        int64_t n = i == 0 ? INT64_MAX : i == 1 ? 0 : ((int64_t)random() << 31 | random()) >> (random() % 62);
        size_t len = milliseconds_print(ours, n);
        assert_true(len <= MILLISECONDS_MAX);
        ours[len] = '\0';
        snprintf(theirs, sizeof(theirs), "%lld.%03lld", (long long)n / 1000000, (long long)n / 1000 % 1000);
        assert_string_equal(ours, theirs);
    }
}

static void a_server_timing_names_database_lookup_and_total(void **state)
{
    struct request rq = {.duration = 12345678, .timing = {.database = 9000000, .lookup = 500}};
    char out[TIMING_TEXT_MAX];

    (void)state;
    timing_print(out, &rq.timing, rq.duration);
    assert_string_equal(out, "db;dur=9.000, lookup;dur=0.000, total;dur=12.345");
    rq.duration = rq.timing.database = rq.timing.lookup = INT64_MAX;
    timing_print(out, &rq.timing, rq.duration);
    assert_true(strlen(out) < TIMING_TEXT_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_is_one_json_object_whatever_the_values_are),
        cmocka_unit_test(a_value_that_fits_reads_back_as_it_was),
        cmocka_unit_test(plain_lines_hold_no_control_characters),
        cmocka_unit_test(words_that_look_like_addresses_or_tokens_are_masked),
        cmocka_unit_test(milliseconds_are_printed_as_printf_does),
        cmocka_unit_test(a_server_timing_names_database_lookup_and_total),
    };

    return cmocka_run_group_tests_name("log_entry", tests, NULL, NULL);
}
