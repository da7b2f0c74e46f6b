/* The log: one line of JSON an event, whatever its values are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/declare.h"
#include "common/base/log.h"
#include "common/json/json.h"
#include "tests/unit/support/stderr.h"

static struct arena arena;

static int begin(void **state)
{
    (void)state;
    log_start("a-service", LOG_INFO);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* The object of exactly one line. */
static const struct json *object_of(const char *line)
{
    const struct json *object = NULL;
    struct json_error error;
    size_t len = strlen(line);

    assert_true(len > 0 && line[len - 1] == '\n');
    assert_ptr_equal(strchr(line, '\n'), line + len - 1);
    assert_int_equal(json_parse(&arena, (struct text){line, len - 1}, &object, &error), JSON_OK);
    assert_int_equal(json_type(object), JSON_OBJECT);
    return object;
}

static void assert_member(const struct json *object, const char *name, const char *value)
{
    const struct json *member = json_member(object, name);

    assert_non_null(member);
    assert_true(text_equal(json_text(member), text_of(value)));
}

static void a_line_holds_the_event_and_its_values(void **state)
{
    (void)state;
    stderr_keep();
    log_line(LOG_WARNING, "it happened", "reason", "a \"b\" \\ c", "nothing", NULL, "who", "\xc3\xa9", NULL);
    const struct json *object = object_of(stderr_kept());
    assert_member(object, "level", "warning");
    assert_member(object, "service", "a-service");
    assert_member(object, "event", "it happened");
    assert_member(object, "reason", "a \"b\" \\ c");
    assert_member(object, "who", "\xc3\xa9");
    assert_null(json_member(object, "nothing"));
    assert_non_null(json_member(object, "time"));
}

static void lines_below_the_level_are_not_written(void **state)
{
    (void)state;
    stderr_keep();
    log_line(LOG_DEBUG, "unseen", NULL);
    assert_string_equal(stderr_kept(), "");
    stderr_keep();
    log_line(LOG_INFO, "seen", NULL);
    assert_member(object_of(stderr_kept()), "event", "seen");
}

static void control_characters_and_invalid_utf8_become_blanks(void **state)
{
    (void)state;
    stderr_keep();
    log_line(LOG_ERROR, "a\nb", "reason", "c\x01\x1f\xff\xc3(\xed\xa0\x80)", NULL);
    const struct json *object = object_of(stderr_kept());
    assert_member(object, "event", "a b");
    assert_member(object, "reason", "c    (   )");
}

/* Lengths around the line's end, of bytes that need one, two or more bytes of it. */
static void a_line_that_is_too_long_is_still_json(void **state)
{
    static const char *const fillings[] = {"a", "\"", "\\", "\xc3\xa9", "\xf0\x9f\x98\x80", "\xff", "a\""};
    static char value[4096];

    (void)state;
    for (size_t f = 0; f < COUNT(fillings); f++) {
        for (size_t size = 900; size < 2200; size++) {
            size_t one = strlen(fillings[f]);
            for (size_t i = 0; i < size; i++)
                value[i] = fillings[f][i % one];
            value[size / one * one] = '\0';
            stderr_keep();
            log_line(LOG_ERROR, "long", "first", value, "second_name", value, "third", "x", NULL);
            assert_member(object_of(stderr_kept()), "event", "long");
        }
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_holds_the_event_and_its_values),
        cmocka_unit_test(lines_below_the_level_are_not_written),
        cmocka_unit_test(control_characters_and_invalid_utf8_become_blanks),
        cmocka_unit_test(a_line_that_is_too_long_is_still_json),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
