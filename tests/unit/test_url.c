/* URLs of services, taken apart and put together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/http/url.h"

static void assert_host(const char *url, const char *expected)
{
    char host[64];

    assert_true(url_host(url, host, sizeof(host)));
    assert_string_equal(host, expected);
}

static void the_host_of_a_url_is_what_stands_between_its_slashes_and_its_port(void **state)
{
    (void)state;
    assert_host("http://user-progress:8000", "user-progress");
    assert_host("HTTPS://a.example/users/x", "a.example");
    assert_host("http://127.0.0.1", "127.0.0.1");
    assert_host("http://[::1]:8004/", "::1");
}

static void a_url_without_a_host_or_with_one_that_does_not_fit_has_none(void **state)
{
    static const char *const none[] = {"", "user-progress:8000", "ftp://a/", "http:///a", "http://[::g]/"};
    char host[10];

    (void)state;
    for (size_t i = 0; i < COUNT(none); i++)
        assert_false(url_host(none[i], host, sizeof(host)));
    assert_true(url_host("http://123456789/", host, sizeof(host)));
    assert_false(url_host("http://1234567890/", host, sizeof(host)));
}

static void a_segment_below_a_path_is_encoded_and_the_base_loses_its_slashes(void **state)
{
    struct arena arena = {0};

    (void)state;
    assert_string_equal(url_below(&arena, "http://h:1/api//", "/users/", TEXT("a/b ?#\xc3\xbc")),
                        "http://h:1/api/users/a%2Fb%20%3F%23%C3%BC");
    assert_string_equal(url_below(&arena, "http://h", "/", TEXT("")), "http://h/");
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_host_of_a_url_is_what_stands_between_its_slashes_and_its_port),
        cmocka_unit_test(a_url_without_a_host_or_with_one_that_does_not_fit_has_none),
        cmocka_unit_test(a_segment_below_a_path_is_encoded_and_the_base_loses_its_slashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
