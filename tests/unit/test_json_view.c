#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/json/json.h"

#define assert_text(t, expected) assert_true(text_equal((t), text_of(expected)))

static enum json_see see_a(const void *of, struct text name)
{
    (void)of;
    return text_equal(name, TEXT("items"))  ? SEE_ITEMS
           : text_equal(name, TEXT("kept")) ? SEE_VALUE
                                            : SEE_NOTHING;
}

static void what_is_not_seen_stays_bytes(void **state)
{
    static const struct json_view view = {.member = see_a, .items_most = 3};
    static const char text[] = " {\"kept\": {\"a\":[1,{}]}, \"gone\":[0,0], \"items\":[1,[2],\"]\"],"
                               "\"\\u0067one\":{\"b\":1}}";
    struct arena arena = {0};
    struct json_error error;
    const struct json *root;

    (void)state;
    assert_int_equal(json_parse_seen(&arena, text_of(text), &view, &root, &error), JSON_OK);
    const struct json *kept = json_member(root, "kept"), *items = json_member(root, "items");
    assert_int_equal(json_type(kept), JSON_OBJECT);
    assert_null(json_first(kept));
    assert_text(json_raw(kept), "{\"a\":[1,{}]}");
    assert_int_equal(json_count(json_raw(items)), 3);
    assert_text(json_raw(json_next(json_first(items))), "[2]");
    assert_null(json_first(json_next(json_first(items))));
    assert_text(json_text(json_next(json_next(json_first(items)))), "]");
    assert_text(json_raw(json_member(root, "gone")), "{\"b\":1}");
    assert_int_equal(json_raw(root).len, strlen(text) - 1);
    assert_int_equal(json_parse_seen(&arena, TEXT("{\"items\":[1,2,3,4]}"), &view, &root, &error), JSON_OK);
    assert_null(json_first(json_member(root, "items")));
    assert_int_equal(json_parse_seen(&arena, TEXT("[1,2]"), &view, &root, &error), JSON_OK);
    assert_null(json_first(root));
    arena_free(&arena);
}

static void the_smallest_values_that_are_not_seen_cost_no_memory(void **state)
{
    static const struct json_view view = {.member = see_a, .items_most = 3};
    enum { VALUES = 400000 };
    char *text = malloc(2 * VALUES + 20);
    struct arena arena = {0};
    struct json_error error;
    const struct json *root;

    (void)state;
    assert_non_null(text);
    size_t len = (size_t)sprintf(text, "{\"kept\":[");
    for (int i = 0; i < VALUES; i++, len += 2)
        memcpy(text + len, "0,", 2);
    memcpy(text + len - 1, "]}", 3);
    len++;
    assert_int_equal(json_parse_seen(&arena, (struct text){text, len}, &view, &root, &error), JSON_OK);
    assert_int_equal(json_raw(json_member(root, "kept")).len, len - 9);
    assert_in_range(arena.held, 1, 2 * ARENA_FIRST);
    arena_free(&arena);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_seen_stays_bytes),
        cmocka_unit_test(the_smallest_values_that_are_not_seen_cost_no_memory),
    };

    return cmocka_run_group_tests_name("json_view", tests, NULL, NULL);
}
