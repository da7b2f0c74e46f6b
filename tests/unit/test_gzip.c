#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/base/gzip.h"

#define SIZE ((size_t)100000)

/* Bytes that repeat, so that they can be made smaller. */
static struct text repetitive(struct arena *arena, size_t size)
{
    char *bytes = arena_alloc(arena, size);

    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(i % 251);
    return (struct text){bytes, size};
}

static void a_text_that_is_compressed_expands_to_the_same_text(void **state)
{
    struct arena arena = {0};

    (void)state;
    for (size_t size = 1000; size <= SIZE; size *= 10) {
        struct text plain = repetitive(&arena, size);
        struct text small = gzip_compress(&arena, plain);
        assert_non_null(small.at);
        assert_in_range(small.len, 18, size - 1);
        struct text again = gzip_expand(&arena, small);
        assert_true(text_equal(again, plain));
    }
    arena_free(&arena);
}

static void a_text_that_would_grow_is_not_compressed(void **state)
{
    struct arena arena = {0};

    (void)state;
    assert_null(gzip_compress(&arena, TEXT("ab")).at);
    arena_free(&arena);
}

static void cut_changed_or_extended_data_is_not_expanded(void **state)
{
    struct arena arena = {0};
    struct text small = gzip_compress(&arena, repetitive(&arena, SIZE));
    char *copy = arena_alloc(&arena, small.len + 1);

    (void)state;
    assert_non_null(copy);
    for (size_t len = 0; len < small.len; len += 7)
        assert_null(gzip_expand(&arena, (struct text){small.at, len}).at);
    memcpy(copy, small.at, small.len);
    copy[small.len] = '\0';
    assert_null(gzip_expand(&arena, (struct text){copy, small.len + 1}).at);
    copy[small.len - 8] ^= 1; /* the checksum */
    assert_null(gzip_expand(&arena, (struct text){copy, small.len}).at);
    arena_free(&arena);
}

static void data_that_a_client_compressed_is_expanded_within_its_limit(void **state)
{
    struct arena arena = {0};
    struct text plain = repetitive(&arena, SIZE), small = gzip_compress(&arena, plain), got;

    (void)state;
    assert_int_equal(gzip_expand_within(&arena, small, SIZE, false, &got), GZIP_OK);
    assert_true(text_equal(got, plain));
    assert_int_equal(gzip_expand_within(&arena, small, SIZE - 1, false, &got), GZIP_TOO_LARGE);
    assert_int_equal(gzip_expand_within(&arena, small, 1, false, &got), GZIP_TOO_LARGE);
    size_t held = arena.held;
    arena_free(&arena);
    assert_true(held < 16 * SIZE);
}

static void several_members_are_one_text(void **state)
{
    struct arena arena = {0};
    struct text plain = repetitive(&arena, SIZE), small = gzip_compress(&arena, plain), got;
    char *twice = arena_alloc(&arena, 2 * small.len);

    (void)state;
    assert_non_null(twice);
    memcpy(twice, small.at, small.len);
    memcpy(twice + small.len, small.at, small.len);
    assert_int_equal(gzip_expand_within(&arena, (struct text){twice, 2 * small.len}, 2 * SIZE, false, &got),
                     GZIP_OK);
    assert_int_equal(got.len, 2 * SIZE);
    assert_memory_equal(got.at + SIZE, plain.at, SIZE);
    arena_free(&arena);
}

static void cut_or_changed_data_is_damaged(void **state)
{
    struct arena arena = {0};
    struct text small = gzip_compress(&arena, repetitive(&arena, 1000)), got;
    char *copy = arena_alloc(&arena, small.len + 1);

    (void)state;
    assert_non_null(copy);
    for (size_t len = 0; len < small.len; len++)
        assert_int_equal(gzip_expand_within(&arena, (struct text){small.at, len}, SIZE, false, &got),
                         GZIP_DAMAGED);
    memcpy(copy, small.at, small.len);
    copy[small.len] = '\0';
    assert_int_equal(gzip_expand_within(&arena, (struct text){copy, small.len + 1}, SIZE, false, &got),
                     GZIP_DAMAGED);
    copy[small.len - 8] ^= 1; /* the checksum */
    assert_int_equal(gzip_expand_within(&arena, (struct text){copy, small.len}, SIZE, false, &got),
                     GZIP_DAMAGED);
    arena_free(&arena);
}

static void a_stream_that_is_compressed_expands_to_the_same_text(void **state)
{
    struct arena arena = {0};
    struct text plain = repetitive(&arena, SIZE);
    struct gzip_stream *stream = gzip_stream_open(&arena);
    char *gzipped = arena_alloc(&arena, SIZE);
    size_t len = 0;
    bool ended = false;

    (void)state;
    assert_non_null(stream);
    assert_non_null(gzipped);
    for (size_t at = 0; at < SIZE; at += 777) {
        struct text piece = {plain.at + at, SIZE - at < 777 ? SIZE - at : 777};
        while (piece.len)
            len += gzip_stream_take(stream, &piece, gzipped + len, 100, false, &ended);
        assert_false(ended);
    }
    while (!ended)
        len += gzip_stream_take(stream, &(struct text){"", 0}, gzipped + len, 100, true, &ended);
    assert_in_range(len, 18, SIZE / 2);
    assert_true(text_equal(gzip_expand(&arena, (struct text){gzipped, len}), plain));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_that_is_compressed_expands_to_the_same_text),
        cmocka_unit_test(a_text_that_would_grow_is_not_compressed),
        cmocka_unit_test(cut_changed_or_extended_data_is_not_expanded),
        cmocka_unit_test(data_that_a_client_compressed_is_expanded_within_its_limit),
        cmocka_unit_test(several_members_are_one_text),
        cmocka_unit_test(cut_or_changed_data_is_damaged),
        cmocka_unit_test(a_stream_that_is_compressed_expands_to_the_same_text),
    };

    return cmocka_run_group_tests_name("gzip", tests, NULL, NULL);
}
