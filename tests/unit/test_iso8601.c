/*
 * Dates and times in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/declare.h"
#include "common/base/iso8601.h"
#include "common/json/writer.h"

#define DAYS_OF_ALL_YEARS 3652059 /* from 0001-01-01 to 9999-12-31 */
#define YEAR_1            (-62135596800 * INT64_C(1000000))

static void a_date_is_a_day_of_the_calendar(void **state)
{
    static const char *const good[] = {"2025-04-19", "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31"};
    static const char *const bad[] = {"",           "2025-04-31", "2025-02-29",  "1900-02-29",
                                      "0000-01-01", "2025-00-01", "2025-13-01",  "2025-01-00",
                                      "2025-1-1",   "20250101",   "2025-01-01 ", "2025-01-01T00:00",
                                      "-025-01-01", "2025/01/01", "2025-01-0x"};
    (void)state;

    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(iso8601_is_date(text_of(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(iso8601_is_date(text_of(bad[i])));
}

/* The printer and the reader count days by different means. */
static void every_day_that_is_printed_is_read_again(void **state)
{
    char printed[TIME_TEXT_MAX];
    (void)state;

    for (int64_t day = 0; day < DAYS_OF_ALL_YEARS; day++) {
        struct moment at = {YEAR_1 + day * 86400 * INT64_C(1000000) + day * 23456}, again;
        struct text t = {printed, time_print(printed, at, TIME_Z)};
        assert_true(iso8601_read_time(t, &again));
        assert_true(again.us == at.us);
        assert_true(iso8601_is_date((struct text){printed, DATE_TEXT}));
    }
}

static void an_offset_is_subtracted(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } times[] = {{"1970-01-01", 0},
                 {"1970-01-01T00:01", 60},
                 {"1970-01-01T00:00:01Z", 1},
                 {"1970-01-01t00:00:01z", 1},
                 {"1970-01-01T02:00:00+02:00", 0},
                 {"1970-01-01T02:00:00 02:00", 0},
                 {"1969-12-31T18:15:00-05:45", 0},
                 {"1970-01-01 00:00:07", 7}};
    struct moment at;
    (void)state;

    for (size_t i = 0; i < COUNT(times); i++) {
        assert_true(iso8601_read_time(text_of(times[i].text), &at));
        assert_int_equal(at.us, times[i].seconds * 1000000);
    }
    assert_true(iso8601_read_time(TEXT("1970-01-01T00:00:00.1234567+00:00"), &at));
    assert_int_equal(at.us, 123456);
}

static void what_is_not_a_time_is_not_read(void **state)
{
    static const char *const bad[] = {"",
                                      "now",
                                      "1970-01-01T",
                                      "1970-01-01T00",
                                      "1970-01-01T24:00",
                                      "1970-01-01T00:60",
                                      "1970-01-01T00:00:60",
                                      "1970-01-01T00:00:00.",
                                      "1970-01-01T00:00:00,5",
                                      "1970-01-01T00:00:00+02",
                                      "1970-01-01T00:00:00+24:00",
                                      "1970-01-01T00:00:00+00:60",
                                      "1970-01-01T00:00:00Z ",
                                      "1970-01-01Z",
                                      "1970-02-30T00:00:00Z"};
    struct moment at;
    (void)state;

    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(iso8601_read_time(text_of(bad[i]), &at));
}

static void a_local_time_is_printed_with_its_offset(void **state)
{
    static const struct {
        int64_t us, east;
        const char *text;
    } times[] = {{1761433200000000, 7200, "2025-10-26T01:00:00+02:00"},
                 {1761433200000000, 0, "2025-10-25T23:00:00+00:00"},
                 {1761433200000001, -12600, "2025-10-25T19:30:00.000001-03:30"},
                 {0, -2670, "1969-12-31T23:15:30-00:44:30"},
                 {INT64_MAX, 50400, "9999-12-31T23:59:59.999999+14:00"}};
    char printed[TIME_TEXT_MAX];
    (void)state;

    for (size_t i = 0; i < COUNT(times); i++) {
        struct text t = {printed, time_print_local(printed, (struct moment){times[i].us}, times[i].east)};
        assert_true(text_equal(t, text_of(times[i].text)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_date_is_a_day_of_the_calendar),
        cmocka_unit_test(every_day_that_is_printed_is_read_again),
        cmocka_unit_test(an_offset_is_subtracted),
        cmocka_unit_test(what_is_not_a_time_is_not_read),
        cmocka_unit_test(a_local_time_is_printed_with_its_offset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
