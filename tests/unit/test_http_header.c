/* The strict look at a header: every form that request smuggling lives on is a fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/declare.h"
#include "common/http/header.h"

#define LINES_MAX 7

struct line {
    const char *name, *value;
};

static struct request_headers headers;
static struct arena *scan_arena;

/* What is wrong with a header of these lines, or NULL; ended by a line without a name. */
static const char *scan_of(const struct line *lines, bool version_1_0, struct header_scan *scan)
{
    *scan = (struct header_scan){.arena = scan_arena, .version_1_0 = version_1_0};
    headers = (struct request_headers){0};
    for (; lines->name; lines++)
        header_scan_take(scan, &headers, text_of(lines->name), text_of(lines->value));
    return header_scan_end(scan, &headers);
}

static void good_headers_pass(void **state)
{
    static const struct line cases[][LINES_MAX] = {
        {{"Host", "a"}},
        {{"host", "127.0.0.1:8004"}},
        {{"Host", "[::1]:8004"}},
        {{"Host", ""}},
        {{"Host", "a"}, {"Content-Length", "0"}},
        {{"Host", "a"}, {"content-length", "123456789012345678"}},
        {{"Host", "a"}, {"Transfer-Encoding", "chunked"}},
        {{"Host", "a"}, {"TRANSFER-ENCODING", "Chunked"}},
        {{"Host", "a"}, {"X-Any!#$%&'*+-.^_`|~09azAZ", "a\tb \xc3\xa9\xff"}},
        {{"Host", "a"}, {"Accept", "a"}, {"Accept", "b"}},
    };
    struct header_scan scan;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_null(scan_of(cases[i], false, &scan));
}

static void every_smuggling_form_is_a_fault(void **state)
{
    static const struct line cases[][LINES_MAX] = {
        /* no Host, or more than one, or one that is no authority */
        {{"Accept", "a"}},
        {{"Host", "a"}, {"Host", "a"}},
        {{"Host", "a"}, {"host", "b"}},
        {{"Host", "a b"}},
        {{"Host", "a\tb"}},
        {{"Host", "user@a"}},
        {{"Host", "a/b"}},
        {{"Host", "a?b"}},
        {{"Host", "a#b"}},
        {{"Host", "a,b"}},
        /* lengths that two readers may read in two ways */
        {{"Host", "a"}, {"Content-Length", "5"}, {"Content-Length", "5"}},
        {{"Host", "a"}, {"Content-Length", "5"}, {"content-length", "6"}},
        {{"Host", "a"}, {"Content-Length", "5, 5"}},
        {{"Host", "a"}, {"Content-Length", "+5"}},
        {{"Host", "a"}, {"Content-Length", "-5"}},
        {{"Host", "a"}, {"Content-Length", " 5"}},
        {{"Host", "a"}, {"Content-Length", "0x5"}},
        {{"Host", "a"}, {"Content-Length", "5a"}},
        {{"Host", "a"}, {"Content-Length", "5.0"}},
        {{"Host", "a"}, {"Content-Length", ""}},
        {{"Host", "a"}, {"Content-Length", "18446744073709551621"}},
        {{"Host", "a"}, {"Content-Length", "1234567890123456789"}},
        {{"Host", "a"}, {"Content-Length ", "5"}},
        {{"Host", "a"}, {" Content-Length", "5"}},
        {{"Host", "a"}, {"Content-Length\t", "5"}},
        {{"Host", "a"}, {"Content-Length", "5\r\nX: y"}},
        /* encodings that are not understood, or that stand beside a length */
        {{"Host", "a"}, {"Transfer-Encoding", "chunked"}, {"Content-Length", "5"}},
        {{"Host", "a"}, {"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}},
        {{"Host", "a"}, {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
        {{"Host", "a"}, {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "identity"}},
        {{"Host", "a"}, {"Transfer-Encoding", "identity"}, {"Transfer-Encoding", "chunked"}},
        {{"Host", "a"}, {"Transfer-Encoding", "gzip, chunked"}},
        {{"Host", "a"}, {"Transfer-Encoding", "chunked, gzip"}},
        {{"Host", "a"}, {"Transfer-Encoding", "identity"}},
        {{"Host", "a"}, {"Transfer-Encoding", "xchunked"}},
        {{"Host", "a"}, {"Transfer-Encoding", "chunked;q=1"}},
        {{"Host", "a"}, {"Transfer-Encoding", "\"chunked\""}},
        {{"Host", "a"},
         {"Transfer-Encoding", "\x0b"
                               "chunked"}},
        {{"Host", "a"}, {"Transfer-Encoding", ""}},
        {{"Host", "a"}, {"Transfer-Encoding ", "chunked"}},
        {{"Host", "a"}, {"Transfer\tEncoding", "chunked"}},
        /* names and values that are none */
        {{"Host", "a"}, {"", "b"}},
        {{"Host", "a"}, {"X:", "b"}},
        {{"Host", "a"}, {"X(", "b"}},
        {{"Host", "a"}, {"X\xc3\xa9", "b"}},
        {{"Host", "a"}, {"X", "b\x01"}},
        {{"Host", "a"}, {"X", "b\x7f"}},
        {{"Host", "a"}, {"X", "b\rc"}},
        {{"Host", "a"}, {"X", "b\nc"}},
    };
    struct header_scan scan;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (!scan_of(cases[i], false, &scan))
            fail_msg("case %zu passed: %s: %s", i, cases[i][1].name, cases[i][1].value);
}

static void a_nul_is_a_fault_wherever_it_stands(void **state)
{
    struct header_scan scan = {0};

    (void)state;
    header_scan_take(&scan, &headers, TEXT("X"), TEXT("a\0b"));
    assert_non_null(scan.fault);
    scan = (struct header_scan){0};
    header_scan_take(&scan, &headers, TEXT("X\0"), TEXT("a"));
    assert_non_null(scan.fault);
    scan = (struct header_scan){0};
    header_scan_take(&scan, &headers, TEXT("Host"), TEXT("a\0"));
    assert_non_null(scan.fault);
}

static void a_later_valid_line_does_not_hide_a_fault(void **state)
{
    static const struct line lines[] = {{"Transfer-Encoding", "gzip"}, {"Host", "a"}, {"Accept", "b"}, {0}};
    struct header_scan scan;

    (void)state;
    assert_string_equal(scan_of(lines, false, &scan), "Unsupported Transfer-Encoding");
}

/* RFC 9112, sections 3.2 and 6.1 */
static void http_1_0_needs_no_host_and_has_no_chunks(void **state)
{
    static const struct line none[] = {{0}}, two[] = {{"Host", "a"}, {"Host", "b"}, {0}},
                             chunked[] = {{"Transfer-Encoding", "chunked"}, {0}};
    struct header_scan scan;

    (void)state;
    assert_null(scan_of(none, true, &scan));
    assert_non_null(scan_of(two, true, &scan));
    assert_non_null(scan_of(chunked, true, &scan));
}

static void the_length_and_the_size_are_reported(void **state)
{
    static const struct line lines[] = {{"Host", "abc"}, {"Content-Length", "1048576"}, {0}};
    static const struct line largest[] = {{"Host", "a"}, {"Content-Length", "999999999999999999"}, {0}};
    static const struct line chunks[] = {{"Host", "a"}, {"Transfer-Encoding", "CHUNKED"}, {0}};
    struct header_scan scan;

    (void)state;
    assert_null(scan_of(lines, false, &scan));
    assert_int_equal(scan.content_length, 1048576);
    assert_false(scan.chunked);
    assert_int_equal(scan.bytes, strlen("Host: abc\r\nContent-Length: 1048576\r\n"));
    assert_null(scan_of(largest, false, &scan));
    assert_int_equal(scan.content_length, UINT64_C(999999999999999999));
    assert_null(scan_of(chunks, false, &scan));
    assert_true(scan.chunked);
}

static void headers_that_the_program_uses_are_kept(void **state)
{
    static const struct line lines[] = {{"Host", "a"},           {"origin", "http://x"},
                                        {"IDEMPOTENCY-KEY", ""}, {"x-request-id", "r1"},
                                        {"X-Other", "o"},        {0}};
    struct header_scan scan;

    (void)state;
    assert_null(scan_of(lines, false, &scan));
    assert_true(text_equal(headers.origin, TEXT("http://x")));
    assert_true(text_equal(headers.idempotency_key, TEXT("")));
    assert_true(text_equal(headers.request_id, TEXT("r1")));
    assert_null(headers.authorization.at);
    assert_null(headers.content_type.at);
}

static void a_header_that_may_come_once_is_refused_twice(void **state)
{
    static const char *const names[] = {"Authorization",   "Content-Encoding", "Content-Type",
                                        "Idempotency-Key", "Origin",           "origin"};
    struct header_scan scan;

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        const struct line lines[] = {{"Host", "a"}, {names[i], ""}, {names[i], "b"}, {0}};
        assert_non_null(scan_of(lines, false, &scan));
    }
}

static void doubled_headers_for_tracing_count_as_absent(void **state)
{
    static const struct line lines[] = {{"Host", "a"},       {"X-Request-ID", "1"}, {"x-request-id", "2"},
                                        {"traceparent", ""}, {"Traceparent", "b"},  {0}};
    struct header_scan scan;

    (void)state;
    assert_null(scan_of(lines, false, &scan));
    assert_null(headers.request_id.at);
    assert_null(headers.traceparent.at);
}

static void lists_are_joined_and_of_others_the_first_counts(void **state)
{
    static const struct line lines[] = {{"Host", "a"},
                                        {"Accept-Encoding", "br"},
                                        {"User-Agent", "one"},
                                        {"accept-encoding", "gzip"},
                                        {"User-Agent", "two"},
                                        {"Accept-Encoding", ""},
                                        {0}};
    struct arena arena = {0};
    struct header_scan scan;

    (void)state;
    scan_arena = &arena;
    assert_null(scan_of(lines, false, &scan));
    scan_arena = NULL;
    assert_true(text_equal(headers.accept_encoding, TEXT("br, gzip, ")));
    assert_true(text_equal(headers.user_agent, TEXT("one")));
    arena_free(&arena);
}

static void an_origin_beyond_its_bound_counts_as_none(void **state)
{
    char origin[ORIGIN_MAX + 2] = {0};
    const struct line lines[] = {{"Host", "a"}, {"Origin", origin}, {0}};
    struct header_scan scan;

    (void)state;
    memset(origin, 'o', ORIGIN_MAX);
    assert_null(scan_of(lines, false, &scan));
    assert_int_equal(headers.origin.len, ORIGIN_MAX);
    origin[ORIGIN_MAX] = 'o';
    assert_null(scan_of(lines, false, &scan));
    assert_null(headers.origin.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_headers_pass),
        cmocka_unit_test(every_smuggling_form_is_a_fault),
        cmocka_unit_test(a_nul_is_a_fault_wherever_it_stands),
        cmocka_unit_test(a_later_valid_line_does_not_hide_a_fault),
        cmocka_unit_test(http_1_0_needs_no_host_and_has_no_chunks),
        cmocka_unit_test(the_length_and_the_size_are_reported),
        cmocka_unit_test(headers_that_the_program_uses_are_kept),
        cmocka_unit_test(a_header_that_may_come_once_is_refused_twice),
        cmocka_unit_test(doubled_headers_for_tracing_count_as_absent),
        cmocka_unit_test(lists_are_joined_and_of_others_the_first_counts),
        cmocka_unit_test(an_origin_beyond_its_bound_counts_as_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
