/* The cache of verified tokens: what it finds, for how long, and what makes room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/auth/token_cache.h"

#define NOW      1700000000
#define CAPACITY 4

static const struct jwt_rules rules = {TEXT("issuer"), TEXT("audience"), 30};

struct fixture {
    struct arena arena;
    struct token_cache *cache;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    *state = f;
    if (f)
        f->cache = token_cache_new(CAPACITY);
    return f && f->cache ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    token_cache_free(f->cache);
    arena_free(&f->arena);
    free(f);
    return 0;
}

static struct text numbered(struct fixture *f, const char *what, size_t n)
{
    struct text t = text_of(arena_printf(&f->arena, "%s %zu", what, n));

    assert_non_null(t.at);
    return t;
}

static void add(struct fixture *f, size_t n, uint64_t generation, int64_t exp)
{
    struct jwt_claims claims = {numbered(f, "sub", n), numbered(f, "scope", n), exp};

    token_cache_add(f->cache, numbered(f, "token", n), generation, &claims);
}

static bool find(struct fixture *f, size_t n, uint64_t generation, int64_t now, struct jwt_claims *claims)
{
    return token_cache_find(f->cache, numbered(f, "token", n), generation, &rules, now, &f->arena, claims);
}

static bool has(struct fixture *f, size_t n)
{
    struct jwt_claims claims;

    if (!find(f, n, 1, NOW, &claims))
        return false;
    assert_true(text_equal(claims.sub, numbered(f, "sub", n)));
    assert_true(text_equal(claims.scope, numbered(f, "scope", n)));
    return true;
}

static void claims_come_back_as_they_were_added(void **state)
{
    struct fixture *f = *state;
    struct jwt_claims claims;

    assert_false(has(f, 1));
    add(f, 1, 1, NOW + 60);
    assert_true(has(f, 1));
    assert_false(has(f, 2));
    assert_true(find(f, 1, 1, NOW, &claims));
    assert_int_equal(claims.exp, NOW + 60);

    token_cache_add(f->cache, TEXT("bare"), 1, &(struct jwt_claims){.sub = TEXT(""), .exp = NOW + 1});
    assert_true(token_cache_find(f->cache, TEXT("bare"), 1, &rules, NOW, &f->arena, &claims));
    assert_non_null(claims.sub.at);
    assert_int_equal(claims.sub.len, 0);
    assert_null(claims.scope.at);
}

static void an_entry_lives_no_longer_than_its_token(void **state)
{
    struct fixture *f = *state;
    struct jwt_claims claims;

    add(f, 1, 1, NOW + 60);
    assert_true(find(f, 1, 1, NOW + 60 + 29, &claims));
    assert_false(find(f, 1, 1, NOW + 60 + 30, &claims));
}

static void an_entry_belongs_to_its_key_set_only(void **state)
{
    struct fixture *f = *state;
    struct jwt_claims claims;

    add(f, 1, 1, NOW + 60);
    assert_false(find(f, 1, 2, NOW, &claims));
    add(f, 1, 2, NOW + 90);
    assert_true(find(f, 1, 2, NOW, &claims));
    assert_int_equal(claims.exp, NOW + 90);
    assert_false(find(f, 1, 1, NOW, &claims));
}

static void the_oldest_entry_is_dropped_first(void **state)
{
    struct fixture *f = *state;

    for (size_t n = 0; n < 100; n++) {
        add(f, n, 1, NOW + 60);
        for (size_t k = 0; k <= n; k++)
            assert_int_equal(has(f, k), k + CAPACITY > n);
    }
}

static void of_a_token_that_is_added_again_the_later_entry_counts(void **state)
{
    struct fixture *f = *state;
    struct jwt_claims claims;

    add(f, 1, 1, NOW + 60);
    add(f, 2, 1, NOW + 60);
    for (int64_t i = 0; i < (int64_t)3 * CAPACITY; i++) {
        add(f, 1, 1, NOW + i);
        assert_true(find(f, 1, 1, NOW, &claims));
        assert_int_equal(claims.exp, NOW + i);
    }
    for (size_t n = 2; n < 2 + CAPACITY; n++)
        add(f, n, 1, NOW + 60);
    assert_false(has(f, 1));
    for (size_t n = 2; n < 2 + CAPACITY; n++)
        assert_true(has(f, n));
}

static void an_exhausted_arena_is_a_miss(void **state)
{
    struct fixture *f = *state;
    struct arena full = {.held = ARENA_LIMIT};
    struct jwt_claims claims;

    add(f, 1, 1, NOW + 60);
    assert_false(token_cache_find(f->cache, TEXT("token 1"), 1, &rules, NOW, &full, &claims));
    assert_true(has(f, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(claims_come_back_as_they_were_added, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_entry_lives_no_longer_than_its_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_entry_belongs_to_its_key_set_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_oldest_entry_is_dropped_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_a_token_that_is_added_again_the_later_entry_counts, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_exhausted_arena_is_a_miss, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
