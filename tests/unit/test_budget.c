#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/budget.h"

#define LIMIT ((size_t)8 << 20)

static void large_holders_leave_a_part_for_small_ones(void **state)
{
    (void)state;
    assert_true(budget_take(LIMIT - LIMIT / 8, 0));
    assert_false(budget_take(BUDGET_SMALL, 1));
    assert_int_equal(budget_refused(), 1);
    assert_true(budget_take(BUDGET_SMALL - 1, 1));
    budget_give(LIMIT - LIMIT / 8 + BUDGET_SMALL - 1);
    assert_int_equal(budget_held(), 0);
}

static void an_arena_that_does_not_fit_says_so_and_keeps_what_it_has(void **state)
{
    struct arena arena = {0};

    (void)state;
    assert_non_null(arena_alloc(&arena, 100));
    assert_null(arena_alloc(&arena, LIMIT));
    assert_non_null(arena_alloc(&arena, LIMIT / 2));
    assert_in_range(budget_held(), LIMIT / 2, LIMIT);
    assert_null(arena_alloc(&arena, LIMIT / 2));
    arena_free(&arena);
    assert_int_equal(budget_held(), 0);
}

static void the_first_chunk_is_there_when_nothing_is_left(void **state)
{
    struct arena arena = {0};

    (void)state;
    budget_add(LIMIT);
    assert_non_null(arena_alloc(&arena, 1000));
    assert_null(arena_alloc(&arena, ARENA_FIRST));
    arena_free(&arena);
    budget_give(LIMIT);
    assert_int_equal(budget_held(), 0);
}

static void what_is_reset_is_given_back(void **state)
{
    struct arena arena = {0};

    (void)state;
    assert_non_null(arena_alloc(&arena, 100));
    assert_non_null(arena_alloc(&arena, 1 << 20));
    arena_reset(&arena);
    assert_in_range(budget_held(), 1, ARENA_FIRST);
    arena_free(&arena);
    assert_int_equal(budget_held(), 0);
}

static void blocks_of_libraries_are_counted(void **state)
{
    (void)state;
    char *block = budget_malloc(1000);
    assert_non_null(block);
    assert_in_range(budget_held(), 1000, 1100);
    block = budget_realloc(block, 100000);
    assert_non_null(block);
    assert_in_range(budget_held(), 100000, 110000);
    budget_free(block);
    budget_free(NULL);
    assert_int_equal(budget_held(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_holders_leave_a_part_for_small_ones),
        cmocka_unit_test(an_arena_that_does_not_fit_says_so_and_keeps_what_it_has),
        cmocka_unit_test(the_first_chunk_is_there_when_nothing_is_left),
        cmocka_unit_test(what_is_reset_is_given_back),
        cmocka_unit_test(blocks_of_libraries_are_counted),
    };

    budget_set_limit(LIMIT);
    return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
