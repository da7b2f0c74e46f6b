/* Cross-origin requests: preflights and the headers of every other answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/declare.h"
#include "common/http/cors.h"
#include "common/http/request.h"

static const char *origins;
static struct request rq;

static int begin(void **state)
{
    (void)state;
    origins = "*";
    rq = (struct request){.method = METHOD_GET};
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&rq.arena);
    return 0;
}

static const char *header(const char *name)
{
    for (size_t i = 0; i < rq.answer_header_count; i++)
        if (strcmp(rq.answer_headers[i].name, name) == 0)
            return rq.answer_headers[i].value;
    return NULL;
}

/* A preflight's answer, with the headers that every answer gets. */
static void preflight(const char *origin, const char *method, const char *headers)
{
    begin(NULL);
    rq.method = METHOD_OPTIONS;
    rq.headers.origin = text_of(origin);
    rq.headers.access_control_request_method = text_of(method);
    rq.headers.access_control_request_headers = text_of(headers);
    assert_true(cors_preflight(&rq, origins));
    cors_headers(&rq, origins);
}

static void assert_body(const char *expected)
{
    assert_true(text_equal((struct text){rq.out.at, rq.out.len}, text_of(expected)));
    arena_free(&rq.arena);
}

static void an_allowed_origin_is_echoed(void **state)
{
    (void)state;
    rq.headers.origin = TEXT("http://a.example");
    cors_headers(&rq, origins);
    assert_string_equal(header("Vary"), "Origin");
    assert_string_equal(header("Access-Control-Allow-Origin"), "http://a.example");
    assert_string_equal(header("Access-Control-Allow-Credentials"), "true");
}

static void without_an_origin_nothing_is_added(void **state)
{
    (void)state;
    cors_headers(&rq, origins);
    assert_int_equal(rq.answer_header_count, 0);
}

/* libmicrohttpd takes no header without a value. */
static void an_empty_origin_is_not_echoed(void **state)
{
    (void)state;
    rq.headers.origin = TEXT("");
    cors_headers(&rq, origins);
    assert_null(header("Access-Control-Allow-Origin"));
    arena_free(&rq.arena);
    preflight("http://a", "GET", "");
    assert_null(header("Access-Control-Allow-Headers"));
    assert_body("OK");
}

static void only_listed_origins_are_allowed(void **state)
{
    static const struct {
        const char *list, *origin;
        bool allowed;
    } cases[] = {
        {"http://a,http://b", "http://a", true},  {"http://a, http://b ", "http://b", true},
        {"http://a,http://b", "http://c", false}, {"http://a", "http://a.evil", false},
        {"http://a.example", "http://a", false},  {"http://a", "HTTP://A", false},
        {"http://a,*", "http://z", true},         {"", "http://a", false},
        {"http://a,,http://b", "http://b", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        begin(NULL);
        origins = cases[i].list;
        rq.headers.origin = text_of(cases[i].origin);
        cors_headers(&rq, origins);
        assert_int_equal(header("Access-Control-Allow-Origin") != NULL, cases[i].allowed);
        assert_int_equal(header("Access-Control-Allow-Credentials") != NULL, cases[i].allowed);
        assert_string_equal(header("Vary"), "Origin");
        arena_free(&rq.arena);
    }
}

static void a_preflight_of_a_good_method_is_allowed(void **state)
{
    static const char *const methods[] = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"};

    (void)state;
    for (size_t i = 0; i < COUNT(methods); i++) {
        preflight("http://a", methods[i], "X-Any, Y");
        assert_int_equal(rq.status, 200);
        assert_string_equal(header("Access-Control-Allow-Methods"),
                            "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
        assert_string_equal(header("Access-Control-Allow-Headers"), "X-Any, Y");
        assert_string_equal(header("Access-Control-Max-Age"), "600");
        assert_string_equal(header("Access-Control-Allow-Origin"), "http://a");
        assert_body("OK");
    }
}

static void a_preflight_of_any_other_method_is_refused(void **state)
{
    static const char *const methods[] = {"TRACE", "get", "", "GE", "ET", "GET, HEAD", "ELETE", "PUTS", ", "};

    (void)state;
    for (size_t i = 0; i < COUNT(methods); i++) {
        preflight("http://a", methods[i], NULL);
        assert_int_equal(rq.status, 400);
        assert_body("Disallowed CORS method");
    }
}

static void an_options_request_without_a_requested_method_is_not_a_preflight(void **state)
{
    (void)state;
    rq.method = METHOD_OPTIONS;
    assert_false(cors_preflight(&rq, origins));
    rq.headers.origin = TEXT("http://a");
    assert_false(cors_preflight(&rq, origins));
    rq.headers.access_control_request_method = TEXT("GET");
    rq.method = METHOD_GET;
    assert_false(cors_preflight(&rq, origins));
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(an_allowed_origin_is_echoed),
        test(without_an_origin_nothing_is_added),
        test(an_empty_origin_is_not_echoed),
        test(only_listed_origins_are_allowed),
        test(a_preflight_of_a_good_method_is_allowed),
        test(a_preflight_of_any_other_method_is_refused),
        test(an_options_request_without_a_requested_method_is_not_a_preflight),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
