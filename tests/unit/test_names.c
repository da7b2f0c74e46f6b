/* The names of a call: each once, and no more than there is room for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "directory/names.h"

static void a_list_takes_each_name_once_and_none_beyond_its_room(void **state)
{
    static struct names names;
    struct arena arena = {0};
    char name[32];

    (void)state;
    names_clear(&names);
    for (int i = 0; i < LOOKUP_NAMES; i++) {
        snprintf(name, sizeof(name), "name %d", i);
        assert_true(names_add(&names, &arena, text_of(name)));
        assert_true(names_add(&names, &arena, text_of(name)));
        assert_int_equal(names.count, i + 1);
    }
    assert_false(names_add(&names, &arena, TEXT("one more")));
    assert_true(names_add(&names, &arena, text_of(name)));
    assert_int_equal(names.count, LOOKUP_NAMES);
    assert_int_equal(names_find(&names, text_of(name)), LOOKUP_NAMES - 1);
    assert_int_equal(names_find(&names, TEXT("one more")), LOOKUP_NAMES);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_takes_each_name_once_and_none_beyond_its_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
