#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/arena.h"

static void blocks_are_aligned_and_do_not_overlap(void **state)
{
    enum { BLOCKS = 500 };
    struct arena arena = {0};
    unsigned char *blocks[BLOCKS];

    (void)state;
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = arena_alloc(&arena, i);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % alignof(max_align_t), 0);
        memset(blocks[i], (int)(i & 0xff), i);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        for (size_t k = 0; k < i; k++)
            assert_int_equal(blocks[i][k], i & 0xff);
    arena_free(&arena);
}

static void cleared_blocks_are_zero_after_a_reset_too(void **state)
{
    struct arena arena = {0};

    (void)state;
    memset(arena_alloc(&arena, 1000), 0xff, 1000);
    arena_reset(&arena);
    const char *block = arena_zalloc(&arena, 1000);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(block[i], 0);
    arena_free(&arena);
}

static void the_newest_block_grows_in_place_and_others_by_a_copy(void **state)
{
    struct arena arena = {0};

    (void)state;
    char *first = arena_alloc(&arena, 10);
    memcpy(first, "0123456789", 10);
    assert_ptr_equal(arena_grow(&arena, first, 10, 500), first);
    char *second = arena_alloc(&arena, 10);
    assert_true(second >= first + 500);
    char *moved = arena_grow(&arena, first, 500, 600);
    assert_ptr_not_equal(moved, first);
    assert_memory_equal(moved, "0123456789", 10);
    char *larger = arena_grow(&arena, moved, 600, 100000);
    assert_memory_equal(larger, "0123456789", 10);
    assert_non_null(arena_grow(&arena, NULL, 0, 10));
    arena_free(&arena);
}

static void a_block_grows_by_the_room_it_has_and_not_by_what_is_in_use(void **state)
{
    struct arena arena = {0};

    (void)state;
    char *block = arena_alloc(&arena, 100);
    assert_ptr_not_equal(arena_grow(&arena, block, 10, 300), block); /* told the bytes in use: a copy */
    block = arena_alloc(&arena, 100);
    assert_ptr_equal(arena_grow(&arena, block, 100, 300), block);
    arena_free(&arena);
}

static void allocations_beyond_the_limit_are_refused(void **state)
{
    struct arena arena = {0};

    (void)state;
    assert_null(arena_alloc(&arena, ARENA_LIMIT + 1));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    char *block = arena_alloc(&arena, 16);
    assert_null(arena_grow(&arena, block, 16, SIZE_MAX));
    arena.held = ARENA_LIMIT;
    assert_non_null(arena_alloc(&arena, 16));
    assert_null(arena_alloc(&arena, ARENA_FIRST));
    arena_free(&arena);
}

static void a_reset_keeps_one_small_chunk(void **state)
{
    struct arena arena = {0};

    (void)state;
    arena_alloc(&arena, 100);
    arena_alloc(&arena, 100000);
    arena_reset(&arena);
    assert_in_range(arena.held, 1, ARENA_FIRST);
    size_t held = arena.held;
    assert_non_null(arena_alloc(&arena, 100));
    assert_int_equal(arena.held, held);
    arena_free(&arena);
    assert_int_equal(arena.held, 0);

    arena_alloc(&arena, 100000);
    arena_reset(&arena);
    assert_int_equal(arena.held, 0);
    arena_free(&arena);
}

static void texts_and_strings_are_copies(void **state)
{
    struct arena arena = {0};
    char bytes[] = "abc";

    (void)state;
    struct text copy = arena_text(&arena, (struct text){bytes, 3});
    char *string = arena_string(&arena, (struct text){bytes, 2});
    bytes[0] = 'x';
    assert_true(text_equal(copy, TEXT("abc")));
    assert_string_equal(string, "ab");
    assert_null(arena_text(&arena, TEXT_NULL).at);
    assert_non_null(arena_text(&arena, TEXT("")).at);
    assert_string_equal(arena_string(&arena, TEXT_NULL), "");
    assert_string_equal(arena_printf(&arena, "%s-%05d", "n", 42), "n-00042");
    assert_int_equal(strlen(arena_printf(&arena, "%3000s", "n")), 3000);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_and_do_not_overlap),
        cmocka_unit_test(cleared_blocks_are_zero_after_a_reset_too),
        cmocka_unit_test(the_newest_block_grows_in_place_and_others_by_a_copy),
        cmocka_unit_test(a_block_grows_by_the_room_it_has_and_not_by_what_is_in_use),
        cmocka_unit_test(allocations_beyond_the_limit_are_refused),
        cmocka_unit_test(a_reset_keeps_one_small_chunk),
        cmocka_unit_test(texts_and_strings_are_copies),
    };

    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
