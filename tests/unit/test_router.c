/* The router: which endpoint a raw path and a method mean, and percent-decoding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/declare.h"
#include "common/table/router.h"

static const struct endpoint endpoints[] = {
    {.method = METHOD_GET, .path = "/"},
    {.method = METHOD_GET, .path = "/users/"},
    {.method = METHOD_POST, .path = "/users/"},
    {.method = METHOD_GET, .path = "/users/{user_id}"},
    {.method = METHOD_DELETE, .path = "/users/{user_id}"},
    {.method = METHOD_GET, .path = "/labs/type/{lab_type}"},
    {.method = METHOD_GET, .path = "/labs/{lab_id}/{part}"},
    {.method = METHOD_PUT, .path = "/labs/type/all"},
    {.method = METHOD_POST, .path = "/a/b/c/d/e/f/g/h"},
};
static const struct api api = {.endpoints = endpoints, .endpoint_count = COUNT(endpoints)};
static struct router *router;
static struct arena arena;

static int open_router(void **state)
{
    (void)state;
    router = router_open(&api);
    return router ? 0 : -1;
}

static int close_router(void **state)
{
    (void)state;
    router_close(router);
    arena_free(&arena);
    return 0;
}

static struct route find(enum method method, const char *path)
{
    struct route route;

    router_find(router, method, text_of(path), &route);
    return route;
}

#define assert_path(method, path, expected) assert_ptr_equal(find(method, path).endpoint, expected)

static void assert_parameter(const struct route *route, size_t at, const char *name, const char *value)
{
    assert_true(at < route->parameter_count);
    assert_true(text_equal(route->parameters[at].name, text_of(name)));
    assert_true(text_equal(route->parameters[at].value, text_of(value)));
}

static void a_path_and_a_method_name_an_endpoint(void **state)
{
    (void)state;
    assert_path(METHOD_GET, "/", &endpoints[0]);
    assert_path(METHOD_GET, "/users/", &endpoints[1]);
    assert_path(METHOD_POST, "/users/", &endpoints[2]);
    assert_path(METHOD_GET, "/users/42", &endpoints[3]);
    assert_path(METHOD_DELETE, "/users/42", &endpoints[4]);
    assert_path(METHOD_POST, "/a/b/c/d/e/f/g/h", &endpoints[8]);
}

static void the_first_endpoint_that_matches_is_taken(void **state)
{
    struct route route = find(METHOD_GET, "/labs/type/linux");

    (void)state;
    assert_ptr_equal(route.endpoint, &endpoints[5]);
    assert_int_equal(route.parameter_count, 1);
    assert_parameter(&route, 0, "lab_type", "linux");
    route = find(METHOD_GET, "/labs/7/steps");
    assert_ptr_equal(route.endpoint, &endpoints[6]);
    assert_int_equal(route.parameter_count, 2);
    assert_parameter(&route, 0, "lab_id", "7");
    assert_parameter(&route, 1, "part", "steps");
    assert_path(METHOD_PUT, "/labs/type/all", &endpoints[7]);
    assert_path(METHOD_GET, "/labs/type/all", &endpoints[5]);
}

static void parameters_come_as_they_were_sent(void **state)
{
    struct route route = find(METHOD_GET, "/users/a%2Fb%00");

    (void)state;
    assert_parameter(&route, 0, "user_id", "a%2Fb%00");
}

static void a_slash_at_the_end_makes_another_path(void **state)
{
    static const char *const strangers[] = {"/users",      "/users//",     "/users/1/", "//users/",
                                            "/labs/type/", "/labs/type//", "//",        "",
                                            "users/",      "/Users/",      "/users/1/2"};

    (void)state;
    for (size_t i = 0; i < COUNT(strangers); i++) {
        struct route route = find(METHOD_GET, strangers[i]);
        assert_null(route.endpoint);
        assert_int_equal(route.allowed, 0);
    }
}

static void a_path_without_the_method_tells_the_methods_it_has(void **state)
{
    struct route route = find(METHOD_PUT, "/users/42");

    (void)state;
    assert_null(route.endpoint);
    assert_int_equal(route.allowed, 1 << METHOD_GET | 1 << METHOD_HEAD | 1 << METHOD_DELETE);
    assert_int_equal(find(METHOD_OTHER, "/users/").allowed,
                     1 << METHOD_GET | 1 << METHOD_HEAD | 1 << METHOD_POST);
    assert_int_equal(find(METHOD_DELETE, "/labs/type/all").allowed,
                     1 << METHOD_GET | 1 << METHOD_HEAD | 1 << METHOD_PUT);
    assert_int_equal(find(METHOD_GET, "/a/b/c/d/e/f/g/h").allowed, 1 << METHOD_POST);
}

static void more_segments_than_any_endpoint_has_match_nothing(void **state)
{
    (void)state;
    assert_int_equal(find(METHOD_POST, "/a/b/c/d/e/f/g/h/").allowed, 0);
    assert_int_equal(find(METHOD_POST, "/a/b/c/d/e/f/g/h/i/j/k").allowed, 0);
}

static void methods_are_read_exactly(void **state)
{
    (void)state;
    for (int m = 0; m <= METHOD_OTHER; m++)
        assert_int_equal(method_of(text_of(method_names[m])), m);
    assert_int_equal(method_of(TEXT("get")), METHOD_OTHER);
    assert_int_equal(method_of(TEXT("GETS")), METHOD_OTHER);
    assert_int_equal(method_of(TEXT("")), METHOD_OTHER);
}

static void percent_decoding_follows_rfc_3986(void **state)
{
    static const struct {
        const char *raw, *path, *query;
    } cases[] = {
        {"", "", ""},
        {"plain", "plain", "plain"},
        {"a%20b", "a b", "a b"},
        {"a+b", "a+b", "a b"},
        {"%41%6a%6A", "Ajj", "Ajj"},
        {"%2B", "+", "+"},
        {"%", "%", "%"},
        {"%4", "%4", "%4"},
        {"%4g", "%4g", "%4g"},
        {"%g4", "%g4", "%g4"},
        {"%%41", "%A", "%A"},
        {"100%", "100%", "100%"},
        {"%C3%A9", "\xc3\xa9", "\xc3\xa9"},
        {"%2525", "%25", "%25"},
        {"%0A%ff", "\n\xff", "\n\xff"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct text raw = text_of(cases[i].raw);
        assert_true(text_equal(percent_decode(&arena, raw, false), text_of(cases[i].path)));
        assert_true(text_equal(percent_decode(&arena, raw, true), text_of(cases[i].query)));
    }
    assert_true(text_equal(percent_decode(&arena, TEXT("a%00b"), false), TEXT("a\0b")));
}

/* Every byte, encoded in either case, comes back; the bytes behind the text are not looked at. */
static void every_byte_comes_back_from_its_encoding(void **state)
{
    static const char upper[] = "0123456789ABCDEF", lower[] = "0123456789abcdef";

    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        const char *digits = byte % 2 ? upper : lower;
        char raw[] = {'%', digits[byte >> 4], digits[byte & 15], '9'};
        struct text out = percent_decode(&arena, (struct text){raw, 3}, true);
        assert_int_equal(out.len, 1);
        assert_int_equal((unsigned char)out.at[0], byte);
        assert_int_equal(percent_decode(&arena, (struct text){raw, 2}, true).len, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_and_a_method_name_an_endpoint),
        cmocka_unit_test(the_first_endpoint_that_matches_is_taken),
        cmocka_unit_test(parameters_come_as_they_were_sent),
        cmocka_unit_test(a_slash_at_the_end_makes_another_path),
        cmocka_unit_test(a_path_without_the_method_tells_the_methods_it_has),
        cmocka_unit_test(more_segments_than_any_endpoint_has_match_nothing),
        cmocka_unit_test(methods_are_read_exactly),
        cmocka_unit_test(percent_decoding_follows_rfc_3986),
        cmocka_unit_test(every_byte_comes_back_from_its_encoding),
    };

    return cmocka_run_group_tests(tests, open_router, close_router);
}
