/* The target of a request: what may be in it, its path and query, dot segments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/http/target.h"

static void assert_parts(const char *target, const char *path, const char *query)
{
    struct text got_path, got_query;

    assert_true(target_split(text_of(target), &got_path, &got_query));
    assert_true(text_equal(got_path, text_of(path)));
    assert_true(text_equal(got_query, text_of(query)));
}

static void a_target_is_a_path_and_a_query(void **state)
{
    (void)state;
    assert_parts("/", "/", NULL);
    assert_parts("/a/b?c=d?e", "/a/b", "c=d?e");
    assert_parts("/a?", "/a", "");
    assert_parts("http://h:80/a?b", "/a", "b");
    assert_parts("HTTP://h", "/", NULL);
    assert_parts("http://h?a=/b", "/", "a=/b");
    assert_parts("/\xff|\"<>\\", "/\xff|\"<>\\", NULL);
}

static void a_target_that_two_servers_could_read_differently_is_refused(void **state)
{
    static const struct text none[] = {
        TEXT(""),           TEXT("*"),        TEXT("a/b"),         TEXT("h:80"),
        TEXT("https://h/"), TEXT("/a b"),     TEXT("/a\tb"),       TEXT("/a#b"),
        TEXT("/?a#b"),      TEXT("/\x7f"),    TEXT("/a\0b"),       TEXT("/?\x01"),
        TEXT("http://h#/"), TEXT("http:///"), TEXT("http://:80/"), TEXT("http://u@h/"),
        TEXT("http://?a")};
    struct text path, query;

    (void)state;
    for (size_t i = 0; i < COUNT(none); i++)
        assert_false(target_split(none[i], &path, &query));
}

static void assert_parameter(struct text *query, const char *name, const char *value)
{
    struct text got_name, got_value;

    assert_true(target_take_parameter(query, &got_name, &got_value));
    assert_true(text_equal(got_name, text_of(name)));
    assert_true(text_equal(got_value, text_of(value)));
}

static void the_parameters_of_a_query_come_one_after_the_other(void **state)
{
    struct text query = TEXT("&a=b&&c&=d&=&%61==e&f="), none = TEXT_NULL, name, value;

    (void)state;
    assert_parameter(&query, "a", "b");
    assert_parameter(&query, "c", "");
    assert_parameter(&query, "", "d");
    assert_parameter(&query, "", "");
    assert_parameter(&query, "%61", "=e");
    assert_parameter(&query, "f", "");
    assert_false(target_take_parameter(&query, &name, &value));
    assert_false(target_take_parameter(&none, &name, &value));
}

static void dot_segments_are_seen_encoded_or_not(void **state)
{
    static const char *const with[] = {"/.",    "/..",     "/a/../b", "/a/./",   "/%2e",
                                       "/%2E.", "/.%2e/a", "/%2e%2E", "/a//..//"};
    static const char *const without[] = {"/",     "/a",       "/...", "/.a",    "/a.", "/..a",
                                          "/%2ea", "/%2e%2e.", "/%2f", "/..%2f", "/%2", "/%2e%2"};

    (void)state;
    for (size_t i = 0; i < COUNT(with); i++)
        if (!target_has_dots(text_of(with[i])))
            fail_msg("not seen: %s", with[i]);
    for (size_t i = 0; i < COUNT(without); i++)
        if (target_has_dots(text_of(without[i])))
            fail_msg("seen: %s", without[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_is_a_path_and_a_query),
        cmocka_unit_test(a_target_that_two_servers_could_read_differently_is_refused),
        cmocka_unit_test(the_parameters_of_a_query_come_one_after_the_other),
        cmocka_unit_test(dot_segments_are_seen_encoded_or_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
