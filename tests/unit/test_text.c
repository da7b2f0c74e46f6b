#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/declare.h"
#include "common/base/text.h"

static void null_equals_only_null(void **state)
{
    (void)state;
    assert_true(text_equal(TEXT_NULL, TEXT_NULL));
    assert_false(text_equal(TEXT_NULL, TEXT("")));
    assert_false(text_equal(TEXT(""), TEXT_NULL));
    assert_true(text_equal_folded(TEXT_NULL, TEXT_NULL));
    assert_false(text_equal_folded(TEXT(""), TEXT_NULL));
}

static void texts_are_equal_only_if_all_bytes_are(void **state)
{
    (void)state;
    assert_true(text_equal(TEXT("a\0b"), TEXT("a\0b")));
    assert_false(text_equal(TEXT("a\0b"), TEXT("a\0c")));
    assert_false(text_equal(TEXT("ab"), TEXT("abc")));
}

static void only_ascii_letters_are_folded(void **state)
{
    (void)state;
    assert_true(text_equal_folded(TEXT("Content-Type"), TEXT("cONTENT-tYPE")));
    assert_false(text_equal_folded(TEXT("@["), TEXT("`{")));
    assert_false(text_equal_folded(TEXT("\xc3\x84"), TEXT("\xc3\xa4")));
    assert_false(text_equal_folded(TEXT("ab"), TEXT("abc")));
}

static void trimming_removes_white_space_at_both_ends(void **state)
{
    (void)state;
    assert_true(text_equal(text_trimmed(TEXT(" \t\r\n\v\fa b \n")), TEXT("a b")));
    assert_int_equal(text_trimmed(TEXT(" \t ")).len, 0);
    assert_null(text_trimmed(TEXT_NULL).at);
}

static void each_take_leaves_what_follows_the_separator(void **state)
{
    struct text list = TEXT("a,,b");

    (void)state;
    assert_true(text_equal(text_take(&list, ','), TEXT("a")));
    assert_true(text_equal(text_take(&list, ','), TEXT("")));
    assert_true(text_equal(text_take(&list, ','), TEXT("b")));
    assert_int_equal(list.len, 0);
    assert_int_equal(text_take(&list, ',').len, 0);
}

static void code_points_are_counted_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(text_code_points(TEXT("")), 0);
    assert_int_equal(text_code_points(TEXT("a\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x98\x80z")), 5);
}

/* The encoding of a number by the bit layout of RFC 3629, whether or not it may be encoded. */
static size_t encode(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)((0xf00 >> len & 0xff) | code);
    return len;
}

static void every_code_point_but_surrogates_is_utf8(void **state)
{
    char bytes[16] = "01234567";

    (void)state;
    for (uint32_t code = 0; code < 0x1fffff; code += code < 0x3000 || code > 0xd000 ? 1 : 7) {
        size_t len = 8 + encode(code, bytes + 8);
        bool allowed = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
        if (text_is_utf8((struct text){bytes, len}) != allowed)
            fail_msg("U+%04X", code);
        if (len > 9 && text_is_utf8((struct text){bytes, len - 1}))
            fail_msg("U+%04X cut short", code);
    }
}

static void overlong_and_stray_bytes_are_not_utf8(void **state)
{
    static const struct text bad[] = {
        {"\x80", 1},
        {"\xc0\x80", 2},
        {"\xc1\xbf", 2},
        {"\xe0\x9f\xbf", 3},
        {"\xf0\x8f\xbf\xbf", 4},
        {"\xff", 1},
        {"abcdefg\xff", 8},
        {"abcdefgh\xfe"
         "abcdefgh",
         17},
        {"\xc3(", 2},
        {"\xe6\xbc(", 3},
        {"\xf0\x9f\x98(", 4},
        {"\xf5\x80\x80\x80", 4},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        if (text_is_utf8(bad[i]))
            fail_msg("row %zu", i);
    assert_true(text_is_utf8(TEXT_NULL));
}

static void texts_sort_by_their_bytes_and_a_beginning_comes_first(void **state)
{
    static const struct text sorted[] = {TEXT(""),   {"\0", 1}, TEXT("a"),   TEXT("a b"),
                                         TEXT("ab"), TEXT("b"), TEXT("\xff")};

    (void)state;
    for (size_t i = 0; i < COUNT(sorted); i++)
        for (size_t k = 0; k < COUNT(sorted); k++) {
            int order = text_compare(sorted[i], sorted[k]);
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
        }
}

static void base64url_is_canonical_and_not_padded(void **state)
{
    static const char *const good[] = {"AA", "AAA", "AAAA", "AQAB", "-_-_", "Zg", "Zm8", "Zm9vYg"};
    static const char *const bad[] = {"",    "A",    "AAAAA", "AB",       "AAB",
                                      "AA=", "Zg==", "A=AA",  "Zm9v\nYg", "+A/A"};

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        if (!text_is_base64url(text_of(good[i])))
            fail_msg("%s", good[i]);
    for (size_t i = 0; i < COUNT(bad); i++)
        if (text_is_base64url(text_of(bad[i])))
            fail_msg("%s", bad[i]);
    assert_false(text_is_base64url(TEXT_NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_equals_only_null),
        cmocka_unit_test(texts_are_equal_only_if_all_bytes_are),
        cmocka_unit_test(only_ascii_letters_are_folded),
        cmocka_unit_test(trimming_removes_white_space_at_both_ends),
        cmocka_unit_test(each_take_leaves_what_follows_the_separator),
        cmocka_unit_test(code_points_are_counted_not_bytes),
        cmocka_unit_test(every_code_point_but_surrogates_is_utf8),
        cmocka_unit_test(overlong_and_stray_bytes_are_not_utf8),
        cmocka_unit_test(texts_sort_by_their_bytes_and_a_beginning_comes_first),
        cmocka_unit_test(base64url_is_canonical_and_not_padded),
    };

    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
