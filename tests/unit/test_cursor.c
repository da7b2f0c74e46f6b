/* Cursors: a place in a list as a text, and any text back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/declare.h"
#include "common/items/cursor.h"

#define EARLIEST (-INT64_C(210866803200000000)) /* 4714-11-24 BC, the first time of PostgreSQL */
#define HASH     UINT64_C(0xfedcba9876543210)

static void a_place_that_is_printed_is_read_again(void **state)
{
    static const struct place places[] = {{{0}, 0},
                                          {{1745052104118843}, 812},
                                          {{-1}, -1},
                                          {{EARLIEST}, INT64_MAX},
                                          {{INT64_MAX}, INT64_MIN + 1},
                                          {MOMENT_NULL, 1}};
    char printed[CURSOR_TEXT];
    (void)state;

    for (size_t i = 0; i < COUNT(places); i++) {
        struct place again;
        cursor_print(printed, HASH, places[i]);
        assert_int_equal(strlen(printed), CURSOR_TEXT - 1);
        assert_int_equal(cursor_read(text_of(printed), HASH, &again), CURSOR_GOOD);
        assert_true(again.at.us == places[i].at.us && again.id == places[i].id);
    }
}

/* Rows before the first time of PostgreSQL have its time `-infinity`, and lie where rows without a time do.
 */
static void a_place_before_all_times_is_one_without_a_time(void **state)
{
    char printed[CURSOR_TEXT];
    struct place again;
    (void)state;

    cursor_print(printed, HASH, (struct place){{EARLIEST - 1}, 5});
    assert_int_equal(cursor_read(text_of(printed), HASH, &again), CURSOR_GOOD);
    assert_true(moment_is_null(again.at));
    assert_int_equal(again.id, 5);
}

static void a_cursor_of_another_query_is_told_from_none(void **state)
{
    char printed[CURSOR_TEXT];
    struct place place;
    (void)state;

    cursor_print(printed, HASH, (struct place){{0}, 1});
    assert_int_equal(cursor_read(text_of(printed), HASH + 1, &place), CURSOR_OF_ANOTHER_QUERY);
    for (size_t i = 0; i < CURSOR_TEXT - 1; i++) {
        char damaged[CURSOR_TEXT];
        memcpy(damaged, printed, sizeof(damaged));
        damaged[i] = 'g';
        assert_int_equal(cursor_read(text_of(damaged), HASH, &place), CURSOR_NONE);
        assert_int_equal(cursor_read((struct text){printed, i}, HASH, &place), CURSOR_NONE);
    }
}

static void a_place_that_no_row_can_have_is_no_cursor(void **state)
{
    static const char *const texts[] = {
        "01fedcba987654321000000000000000008000000000000000", /* the id that stands for null */
        "01fedcba9876543210fd12d79e9acf7fff0000000000000001", /* a microsecond before all times */
        "00fedcba987654321000000000000000000000000000000001", /* another version */
        "01FEDCBA987654321000000000000000000000000000000001",
        "01fedcba98765432100000000000000000000000000000000 ",
        "",
    };
    struct place place;
    (void)state;

    for (size_t i = 0; i < COUNT(texts); i++)
        assert_int_equal(cursor_read(text_of(texts[i]), HASH, &place), CURSOR_NONE);
}

static void any_bytes_are_read_to_an_end(void **state)
{
    char bytes[CURSOR_TEXT + 4];
    struct place place;
    (void)state;

    srandom(7);
    for (int i = 0; i < 200000; i++) {
        size_t len = i % 2 ? CURSOR_TEXT - 1 : (size_t)random() % sizeof(bytes);
        for (size_t k = 0; k < len; k++)
            bytes[k] = (char)(i % 3 ? "0123456789abcdef"[random() % 16] : random() % 256);
        if (i % 3 && len > 1)
            memcpy(bytes, "01", 2);
        enum cursor_status status = cursor_read((struct text){bytes, len}, HASH, &place);
        if (status != CURSOR_NONE)
            assert_true(moment_is_null(place.at) || place.at.us >= EARLIEST);
    }
}

static void every_text_of_a_query_and_its_place_count_for_the_hash(void **state)
{
    static const struct text queries[][2] = {
        {TEXT("a"), TEXT("b")}, {TEXT("b"), TEXT("a")}, {TEXT("ab"), TEXT("")},
        {TEXT(""), TEXT("ab")}, {TEXT_NULL, TEXT("a")}, {TEXT("a"), TEXT_NULL},
        {TEXT("a"), TEXT("")},  {TEXT_NULL, TEXT_NULL}, {TEXT(""), TEXT("")},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(queries); i++)
        for (size_t k = 0; k < COUNT(queries); k++)
            assert_int_equal(cursor_hash(queries[i], 2) == cursor_hash(queries[k], 2), i == k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_that_is_printed_is_read_again),
        cmocka_unit_test(a_place_before_all_times_is_one_without_a_time),
        cmocka_unit_test(a_cursor_of_another_query_is_told_from_none),
        cmocka_unit_test(a_place_that_no_row_can_have_is_no_cursor),
        cmocka_unit_test(any_bytes_are_read_to_an_end),
        cmocka_unit_test(every_text_of_a_query_and_its_place_count_for_the_hash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
