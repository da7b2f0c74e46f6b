/* Where a redirect of User Progress leads a client that asked another service. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "directory/reference.h"

static void check(const char *base, const char *path, const char *location, const char *expected)
{
    struct arena arena = {0};
    const char *got = reference_relative(&arena, base, text_of(path), location);

    assert_non_null(got);
    assert_string_equal(got, expected);
    arena_free(&arena);
}

static void an_absolute_location_becomes_relative_to_the_requested_path(void **state)
{
    (void)state;
    check("http://up:8000", "/users", "http://up:8000/users/", "users/");
    check("http://up:8000/", "/users", "/users/?limit=1", "users/?limit=1");
    check("http://up:8000", "/users/x/", "http://up:8000/users/x", "../x");
    check("http://up:8000", "/labs/type/x/", "/labs/type/x?a=%20", "../x?a=%20");
    check("http://up:8000", "/users/x", "/users/", "./");
    check("http://up:8000", "/users/x", "/", "../");
    check("http://up:8000", "/users/x", "http://up:8000", "../");
    check("http://up:8000", "/users/x", "//up:8000/users/y", "y");
}

static void the_path_of_the_service_s_own_url_is_removed(void **state)
{
    (void)state;
    check("http://gate/up", "/users", "http://gate/up/users/", "users/");
    check("http://gate/up/", "/users", "/up/users/", "users/");
    check("http://gate/up", "/users", "/upper/", "upper/");
}

static void a_relative_location_is_not_changed(void **state)
{
    (void)state;
    check("http://up:8000", "/users", "users/", "users/");
    check("http://up:8000", "/users", "?limit=1", "?limit=1");
    check("http://up:8000", "/users", "../x?u=http://a/", "../x?u=http://a/");
}

static void no_segment_is_taken_for_a_scheme_or_a_host(void **state)
{
    (void)state;
    check("http://up:8000", "/users/a:b/", "/users/a:b", "../a:b");
    check("http://up:8000", "/users", "/a:b", "./a:b");
    check("http://up:8000", "/users", "http://up:8000//evil.example/", ".//evil.example/");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_absolute_location_becomes_relative_to_the_requested_path),
        cmocka_unit_test(the_path_of_the_service_s_own_url_is_removed),
        cmocka_unit_test(a_relative_location_is_not_changed),
        cmocka_unit_test(no_segment_is_taken_for_a_scheme_or_a_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
