/* Bearer tokens: tokens and key sets of other libraries, and what RFC 8725 warns of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/auth/jwt.h"

/* Key sets and tokens made by other libraries; tokens.py tells the form of a line and has these settings. */
#define TOKENS "tests/unit/tokens.txt"
#define NOW    1700000000

static const struct jwt_rules rules = {TEXT("https://issuer.example/"), TEXT("labs"), 30};

#define SETS_MAX   16
#define TOKENS_MAX 160

struct key_set {
    struct text name, json;
};

struct token {
    struct text what, set, status, token;
};

struct fixture {
    struct arena arena;
    struct key_set sets[SETS_MAX];
    struct token tokens[TOKENS_MAX];
    size_t set_count, token_count;
};

static struct text field(struct text *rest)
{
    const char *tab = memchr(rest->at, '\t', rest->len);
    size_t len = tab ? (size_t)(tab - rest->at) : rest->len;
    struct text t = {rest->at, len};

    rest->at += len + (tab != NULL);
    rest->len -= len + (tab != NULL);
    return t;
}

static void read_line(struct fixture *f, struct text line)
{
    if (text_equal(field(&line), TEXT("set"))) {
        assert_true(f->set_count < SETS_MAX);
        f->sets[f->set_count].name = field(&line);
        f->sets[f->set_count++].json = field(&line);
        return;
    }
    assert_true(f->token_count < TOKENS_MAX);
    struct token *token = &f->tokens[f->token_count++];
    token->what = field(&line);
    token->set = field(&line);
    token->status = field(&line);
    token->token = field(&line);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    FILE *file = fopen(TOKENS, "r");
    char *line = NULL;
    size_t size = 0;
    ssize_t len;

    assert_non_null(f);
    assert_non_null(file);
    while ((len = getline(&line, &size, file)) > 0)
        read_line(f, arena_text(&f->arena, (struct text){line, (size_t)len - 1}));
    free(line);
    fclose(file);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    arena_free(&f->arena);
    free(f);
    return 0;
}

static struct text set_of(const struct fixture *f, struct text name)
{
    for (size_t i = 0; i < f->set_count; i++)
        if (text_equal(f->sets[i].name, name))
            return f->sets[i].json;
    fail_msg("no set %.*s", (int)name.len, name.at);
    return TEXT_NULL;
}

static struct jwt_keys *keys_of(const struct fixture *f, struct text set)
{
    const char *reason = NULL;
    struct jwt_keys *keys = jwt_keys_parse(set_of(f, set), &reason);

    if (!keys)
        fail_msg("set %.*s: %s", (int)set.len, set.at, reason);
    return keys;
}

static struct text token_of(const struct fixture *f, const char *what)
{
    for (size_t i = 0; i < f->token_count; i++)
        if (text_equal(f->tokens[i].what, text_of(what)))
            return f->tokens[i].token;
    fail_msg("no token %s", what);
    return TEXT_NULL;
}

static const char *const names[] = {
    [JWT_OK] = "good",
    [JWT_EXPIRED] = "expired",
    [JWT_INVALID] = "invalid",
    [JWT_UNKNOWN_KEY] = "unknown",
    [JWT_NO_MEMORY] = "out of memory",
};

static void every_token_gets_the_right_verdict(void **state)
{
    struct fixture *f = *state;

    assert_true(f->token_count >= 100);
    for (size_t i = 0; i < f->token_count; i++) {
        const struct token *t = &f->tokens[i];
        struct jwt_keys *keys = keys_of(f, t->set);
        struct jwt_claims claims;
        enum jwt_status status = jwt_verify(keys, &rules, t->token, NOW, &f->arena, &claims);
        jwt_keys_free(keys);
        if (!text_equal(text_of(names[status]), t->status))
            fail_msg("%.*s: %s", (int)t->what.len, t->what.at, names[status]);
    }
}

static void claims_are_what_the_token_says(void **state)
{
    struct fixture *f = *state;
    struct jwt_keys *keys = keys_of(f, TEXT("both"));
    struct jwt_claims claims;

    assert_int_equal(jwt_verify(keys, &rules, token_of(f, "RS256 by PyJWT"), NOW, &f->arena, &claims),
                     JWT_OK);
    assert_true(text_equal(claims.sub, TEXT("ada")));
    assert_true(text_equal(claims.scope, TEXT("progress:any")));
    assert_int_equal(claims.exp, NOW + 300);

    struct text bare = token_of(f, "without sub, scope and iat");
    assert_int_equal(jwt_verify(keys, &rules, bare, NOW, &f->arena, &claims), JWT_OK);
    assert_null(claims.sub.at);
    assert_null(claims.scope.at);
    jwt_keys_free(keys);
}

static void a_token_is_good_until_it_expires_and_the_leeway_is_over(void **state)
{
    struct fixture *f = *state;
    struct jwt_keys *keys = keys_of(f, TEXT("both"));
    struct text token = token_of(f, "ES256 by PyJWT");
    struct jwt_claims claims;

    assert_int_equal(jwt_verify(keys, &rules, token, NOW + 329, &f->arena, &claims), JWT_OK);
    assert_int_equal(jwt_verify(keys, &rules, token, NOW + 330, &f->arena, &claims), JWT_EXPIRED);
    assert_int_equal(jwt_verify(keys, &rules, token, NOW - 30, &f->arena, &claims), JWT_OK);
    assert_int_equal(jwt_verify(keys, &rules, token, NOW - 31, &f->arena, &claims), JWT_INVALID);
    jwt_keys_free(keys);
}

/* Every bit of a token counts: none can be turned without the token becoming bad. */
static void no_bit_of_a_token_can_be_changed(void **state)
{
    struct fixture *f = *state;
    struct jwt_keys *keys = keys_of(f, TEXT("both"));
    struct text good = token_of(f, "ES256 by jwcrypto");
    struct arena arena = {0};

    for (size_t bit = 0; bit < good.len * 8; bit++) {
        struct jwt_claims claims;
        char *changed = arena_string(&arena, good);
        assert_non_null(changed);
        changed[bit / 8] = (char)(changed[bit / 8] ^ (1 << bit % 8));
        enum jwt_status status =
            jwt_verify(keys, &rules, (struct text){changed, good.len}, NOW, &arena, &claims);
        if (status != JWT_INVALID && status != JWT_UNKNOWN_KEY)
            fail_msg("bit %zu: %s", bit, names[status]);
        arena_reset(&arena);
    }
    arena_free(&arena);
    jwt_keys_free(keys);
}

static void no_prefix_of_a_token_is_valid(void **state)
{
    struct fixture *f = *state;
    struct jwt_keys *keys = keys_of(f, TEXT("both"));
    struct text good = token_of(f, "RS256 by jwcrypto");

    for (size_t len = 0; len < good.len; len++) {
        struct jwt_claims claims;
        char *exact = malloc(len ? len : 1); /* so that a sanitizer sees a read beyond it */
        assert_non_null(exact);
        memcpy(exact, good.at, len);
        assert_int_equal(jwt_verify(keys, &rules, (struct text){exact, len}, NOW, &f->arena, &claims),
                         JWT_INVALID);
        free(exact);
    }
    jwt_keys_free(keys);
}

/* RFC 7515, appendix A: the payload is the same in A.2 and A.3. */
#define A_PAYLOAD                                                                                            \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define A2_TOKEN                                                                                             \
    "eyJhbGciOiJSUzI1NiJ9." A_PAYLOAD "."                                                                    \
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"                  \
    "O8W2Fp5jujGbds9uJdb"                                                                                    \
    "F9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_"      \
    "eSN9383"                                                                                                \
    "LcOLn6_dO--xi12jzDwusC-"                                                                                \
    "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWy"                      \
    "wlVmtVrBp0igcN_IoypGlUPQGe77Rw"
#define A3_TOKEN                                                                                             \
    "eyJhbGciOiJFUzI1NiJ9." A_PAYLOAD "."                                                                    \
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

static void the_signatures_of_rfc_7515_are_valid(void **state)
{
    struct fixture *f = *state;
    static const struct {
        struct text set, token;
    } vectors[] = {{TEXT("rfc7515-a2"), TEXT(A2_TOKEN)}, {TEXT("rfc7515-a3"), TEXT(A3_TOKEN)}};

    for (size_t i = 0; i < 2; i++) {
        struct jwt_keys *keys = keys_of(f, vectors[i].set);
        struct text payload;
        struct jwt_claims claims;
        assert_int_equal(jwt_open(keys, vectors[i].token, &f->arena, &payload), JWT_OK);
        assert_true(text_equal(payload, TEXT("{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n "
                                             "\"http://example.com/is_root\":true}")));
        assert_int_equal(jwt_open(keys, vectors[1 - i].token, &f->arena, &payload), JWT_INVALID);
        assert_int_equal(jwt_verify(keys, &rules, vectors[i].token, 1300819000, &f->arena, &claims),
                         JWT_INVALID);
        jwt_keys_free(keys);
    }
}

static void unusable_keys_are_skipped(void **state)
{
    struct jwt_keys *keys = keys_of(*state, TEXT("mixed"));

    assert_int_equal(jwt_keys_count(keys), 1);
    jwt_keys_free(keys);
}

static void expect_no_keys(struct text bytes, const char *expected)
{
    const char *reason = NULL;
    struct jwt_keys *keys = jwt_keys_parse(bytes, &reason);

    assert_null(keys);
    assert_string_equal(reason, expected);
}

static void a_set_without_a_usable_key_is_an_error(void **state)
{
    struct fixture *f = *state;
    const char *useless = "the key set has no key for RS256 or ES256 that is of use";

    expect_no_keys(set_of(f, TEXT("none-of-use")), useless);
    expect_no_keys(set_of(f, TEXT("empty")), useless);
    expect_no_keys(TEXT("{\"keys\":{}}"), "the key set has no list of keys");
    expect_no_keys(TEXT("[]"), "the key set has no list of keys");
    expect_no_keys(TEXT("<html>"), "the key set is not JSON");
    expect_no_keys(TEXT(""), "the key set is not JSON");
}

static void a_key_whose_numbers_are_not_base64url_is_not_of_use(void **state)
{
#define X     "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\""
#define Y     "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define CURVE "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\"," X ",\"y\":"
    static const char *const numbers[] = {
        "\"x_FEzRu9m36Hmin_users=NpXW6pCyStikYjKIWI5a0\"",
        "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0=\"",
        "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1\"",
        "\"x_FEzRu9m36HLN+tue659LNpXW6pCyStikYjKIWI5a0\"",
        "\"=\"",
        "\"a\"",
        "\"\"",
        "7",
        "null",
        "[\"AQAB\"]",
    };
    static const struct {
        const char *before, *after;
    } keys[] = {
        {CURVE, "}]}"},
        {CURVE, ",\"y\":" Y "}]}"}, /* of equal names cjose reads one */
        {"{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":", "}]}"},
    };
    char set[500];
    const char *reason;
    (void)state;

    for (size_t i = 0; i < COUNT(keys); i++)
        for (size_t j = 0; j < COUNT(numbers); j++) {
            snprintf(set, sizeof(set), "%s%s%s", keys[i].before, numbers[j], keys[i].after);
            expect_no_keys(text_of(set), "the key set has no key for RS256 or ES256 that is of use");
        }
    struct jwt_keys *sound = jwt_keys_parse(TEXT(CURVE Y "}]}"), &reason);
    assert_non_null(sound);
    jwt_keys_free(sound);
#undef X
#undef Y
#undef CURVE
}

static void a_set_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct text good = set_of(f, TEXT("rsa"));
    char *padded = arena_alloc(&f->arena, JWT_SET_LIMIT + 1);

    assert_non_null(padded);
    memset(padded, ' ', JWT_SET_LIMIT + 1);
    memcpy(padded, good.at, good.len);
    const char *reason;
    struct jwt_keys *keys = jwt_keys_parse((struct text){padded, JWT_SET_LIMIT}, &reason);
    assert_non_null(keys);
    jwt_keys_free(keys);
    expect_no_keys((struct text){padded, JWT_SET_LIMIT + 1}, "the key set is too large");
    expect_no_keys(set_of(f, TEXT("too-many")), "the key set has too many keys");
}

static void an_exhausted_arena_is_not_the_tokens_fault(void **state)
{
    struct fixture *f = *state;
    struct jwt_keys *keys = keys_of(f, TEXT("both"));
    struct arena full = {.held = ARENA_LIMIT};
    struct jwt_claims claims;

    assert_int_equal(jwt_verify(keys, &rules, token_of(f, "RS256 by PyJWT"), NOW, &full, &claims),
                     JWT_NO_MEMORY);
    jwt_keys_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_token_gets_the_right_verdict),
        cmocka_unit_test(claims_are_what_the_token_says),
        cmocka_unit_test(a_token_is_good_until_it_expires_and_the_leeway_is_over),
        cmocka_unit_test(no_bit_of_a_token_can_be_changed),
        cmocka_unit_test(no_prefix_of_a_token_is_valid),
        cmocka_unit_test(the_signatures_of_rfc_7515_are_valid),
        cmocka_unit_test(unusable_keys_are_skipped),
        cmocka_unit_test(a_set_without_a_usable_key_is_an_error),
        cmocka_unit_test(a_key_whose_numbers_are_not_base64url_is_not_of_use),
        cmocka_unit_test(a_set_is_bounded),
        cmocka_unit_test(an_exhausted_arena_is_not_the_tokens_fault),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
