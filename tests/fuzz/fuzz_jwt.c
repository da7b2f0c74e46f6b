/*
 * Tokens and key sets: no bytes are taken for a signed token, any claims under a good signature are either as
 * the rules want them or refused, and of any key set only usable keys are left.
 *
 * An input is `t` and a token, `c` and a header, a payload and a signature, a line each, or `s` and a key
 * set.
 */
#include <string.h>

#include <cjose/cjose.h>

#include "common/auth/jwt.h"
#include "tests/fuzz/support/fuzz.h"

#define NOW    1745052104
#define LEEWAY 30
#define KINDS  3 /* of inputs */

static const char set[] =
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"e\",\"use\":\"sig\",\"alg\":\"ES256\","
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}"; /* the example of RFC 7515, section A.3.1 */

static const struct jwt_rules rules = {TEXT("https://issuer"), TEXT("api"), LEEWAY};
static struct jwt_keys *keys;
static bool trusting; /* whether a signature is taken without a look at it */

/* In the place of the library's: what is behind it cannot be reached by guessing signatures. */
bool cjose_jws_verify(cjose_jws_t *jws, const cjose_jwk_t *jwk, cjose_err *error)
{
    (void)jws, (void)jwk;
    error->code = CJOSE_ERR_CRYPTO;
    return trusting;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *reason = NULL;

    (void)argc, (void)argv;
    keys = jwt_keys_parse((struct text){set, sizeof(set) - 1}, &reason);
    HOLDS(keys && jwt_keys_count(keys) == 1);
    return 0;
}

static void write_base64url(struct writer *w, struct text t)
{
    cjose_err error;
    char *out = NULL;
    size_t len = 0;

    if (!t.len)
        return;
    HOLDS(cjose_base64url_encode((const uint8_t *)t.at, t.len, &out, &len, &error));
    write_bytes(w, out, len);
    free(out);
}

static void check(struct arena *arena, struct text token)
{
    struct jwt_claims claims = {0};
    enum jwt_status status = jwt_verify(keys, &rules, token, NOW, arena, &claims);

    HOLDS(status != JWT_NO_MEMORY);
    HOLDS(trusting || (status != JWT_OK && status != JWT_EXPIRED));
    if (status != JWT_OK)
        return;
    HOLDS(claims.exp > NOW - LEEWAY && token.len <= JWT_LIMIT);
    HOLDS(!claims.sub.at || (text_is_utf8(claims.sub) && !memchr(claims.sub.at, '\0', claims.sub.len)));
    HOLDS(!claims.scope.at || text_is_utf8(claims.scope));
    HOLDS(jwt_verify(keys, &rules, token, claims.exp + LEEWAY, arena, &claims) == JWT_EXPIRED);
}

static void check_claims(struct arena *arena, struct text left)
{
    struct writer w = writer_start(arena);

    write_base64url(&w, fuzz_take(&left, '\n'));
    write_char(&w, '.');
    write_base64url(&w, fuzz_take(&left, '\n'));
    write_char(&w, '.');
    write_base64url(&w, left);
    trusting = true;
    check(arena, (struct text){w.at, w.len});
    trusting = false;
}

static void check_set(struct text bytes)
{
    const char *reason = NULL;
    struct jwt_keys *parsed = jwt_keys_parse(bytes, &reason);

    HOLDS(parsed ? jwt_keys_count(parsed) > 0 && jwt_keys_count(parsed) <= JWT_KEYS_LIMIT
                 : reason && *reason);
    jwt_keys_free(parsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct arena arena = {0};
    struct text left = {len ? (const char *)bytes : "", len};
    unsigned kind = fuzz_byte(&left) % KINDS;

    if (kind == 't' % KINDS)
        check(&arena, left);
    else if (kind == 'c' % KINDS)
        check_claims(&arena, left);
    else
        check_set(left);
    arena_free(&arena);
    return 0;
}
