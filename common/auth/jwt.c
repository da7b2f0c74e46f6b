#include "common/auth/jwt.h"

#include <math.h>
#include <stdlib.h>

#include <cjose/cjose.h>

#include "common/base/declare.h"
#include "common/json/json.h"

#define TIME_MAX        253402300799.0 /* the last second of the year 9999 */
#define ES256_SIGNATURE 64             /* bytes: two numbers of 256 bits (RFC 7518, section 3.4) */

/* What a key may verify. */
struct algorithm {
    const char *name;  /* RFC 7518, section 3.1 */
    const char *kty;   /* RFC 7518, section 6.1 */
    const char *curve; /* NULL: it has none */
    size_t signature;  /* bytes; 0: the key's size */
    size_t least_bits;
};

static const struct algorithm algorithms[] = {
    {"RS256", "RSA", NULL, 0, JWT_RSA_BITS},
    {"ES256", "EC", "P-256", ES256_SIGNATURE, 0},
};

struct key {
    cjose_jwk_t *jwk;
    struct text kid; /* null if it has none */
    const struct algorithm *algorithm;
};

struct jwt_keys {
    struct arena arena; /* memory of the kids */
    size_t count;
    struct key items[JWT_KEYS_LIMIT];
};

static bool is_text(const struct json *value, const char *expected)
{
    return value && json_type(value) == JSON_TEXT && text_equal(json_text(value), text_of(expected));
}

/* Whether a member has that value or is absent. */
static bool allows(const struct json *object, const char *name, const char *expected)
{
    const struct json *member = json_member(object, name);

    return !member || is_text(member, expected);
}

/* Whether a list of texts contains one; `*sound` becomes false if it is not such a list. */
static bool lists(const struct json *list, struct text wanted, bool *sound)
{
    bool found = false;

    *sound = json_type(list) == JSON_LIST;
    for (const struct json *item = *sound ? json_first(list) : NULL; item; item = json_next(item)) {
        if (json_type(item) != JSON_TEXT)
            *sound = false;
        else if (text_equal(json_text(item), wanted))
            found = true;
    }
    return found && *sound;
}

static const struct algorithm *algorithm_of(const struct json *jwk)
{
    for (size_t i = 0; i < COUNT(algorithms); i++) {
        const struct algorithm *a = &algorithms[i];
        if (is_text(json_member(jwk, "kty"), a->kty) &&
            (!a->curve || is_text(json_member(jwk, "crv"), a->curve)))
            return a;
    }
    return NULL;
}

/* Whether the key is declared for verifying signatures (RFC 7517, sections 4.2 to 4.4). */
static bool is_for_signatures(const struct json *jwk, const struct algorithm *algorithm)
{
    const struct json *operations = json_member(jwk, "key_ops");
    bool sound;

    return allows(jwk, "alg", algorithm->name) && allows(jwk, "use", "sig") &&
           (!operations || lists(operations, TEXT("verify"), &sound));
}

/* Whether the numbers of a key (RFC 7518, section 6) are base64url: some that are not make cjose abort. */
static bool has_sound_numbers(const struct json *jwk)
{
    static const char *const numbers[] = {"x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi"};

    for (const struct json *member = json_first(jwk); member; member = json_next(member))
        for (size_t i = 0; i < COUNT(numbers); i++)
            if (text_equal(json_name(member), text_of(numbers[i])) &&
                (json_type(member) != JSON_TEXT || !text_is_base64url(json_text(member))))
                return false;
    return true;
}

/* Adds a key to the set if it is usable; false when memory is exhausted. */
static bool add_key(struct jwt_keys *keys, const struct json *jwk)
{
    if (json_type(jwk) != JSON_OBJECT)
        return true;
    struct key key = {.algorithm = algorithm_of(jwk)};
    const struct json *kid = json_member(jwk, "kid");
    if (!key.algorithm || !is_for_signatures(jwk, key.algorithm) || !has_sound_numbers(jwk) ||
        (kid && json_type(kid) != JSON_TEXT))
        return true;
    if (kid) {
        key.kid = arena_text(&keys->arena, json_text(kid));
        if (!key.kid.at)
            return false;
    }
    struct text raw = json_raw(jwk);
    cjose_err error = {0};
    key.jwk = cjose_jwk_import(raw.at, raw.len, &error);
    if (!key.jwk)
        return true; /* whatever error is reported: cjose reports "out of memory" for a point that is not on
                        its curve */
    if (cjose_jwk_get_keysize(key.jwk, &error) < key.algorithm->least_bits)
        cjose_jwk_release(key.jwk);
    else
        keys->items[keys->count++] = key;
    return true;
}

/* Fills the set; returns NULL or what is wrong. */
static const char *read_keys(struct jwt_keys *keys, struct arena *scratch, struct text bytes)
{
    const struct json *root;
    struct json_error error;

    switch (json_parse(scratch, bytes, &root, &error)) {
    case JSON_OK:
        break;
    case JSON_NO_MEMORY:
        return "out of memory";
    default:
        return "the key set is not JSON";
    }
    const struct json *list = json_type(root) == JSON_OBJECT ? json_member(root, "keys") : NULL;
    if (!list || json_type(list) != JSON_LIST)
        return "the key set has no list of keys";
    size_t count = 0;
    for (const struct json *jwk = json_first(list); jwk; jwk = json_next(jwk)) {
        if (count++ == JWT_KEYS_LIMIT)
            return "the key set has too many keys";
        if (!add_key(keys, jwk))
            return "out of memory";
    }
    return keys->count ? NULL : "the key set has no key for RS256 or ES256 that is of use";
}

struct jwt_keys *jwt_keys_parse(struct text bytes, const char **reason)
{
    if (bytes.len > JWT_SET_LIMIT) {
        *reason = "the key set is too large";
        return NULL;
    }
    struct jwt_keys *keys = calloc(1, sizeof(*keys));
    if (!keys) {
        *reason = "out of memory";
        return NULL;
    }
    struct arena scratch = {0};
    const char *fault = read_keys(keys, &scratch, bytes);
    arena_free(&scratch);
    if (!fault)
        return keys;
    *reason = fault;
    jwt_keys_free(keys);
    return NULL;
}

void jwt_keys_free(struct jwt_keys *keys)
{
    if (!keys)
        return;
    for (size_t i = 0; i < keys->count; i++)
        cjose_jwk_release(keys->items[i].jwk);
    arena_free(&keys->arena);
    free(keys);
}

size_t jwt_keys_count(const struct jwt_keys *keys)
{
    return keys->count;
}

/* The three parts of a token, as they are sent: in their canonical form, so a token has only one spelling. */
struct segments {
    struct text header, payload, signature;
};

static bool split(struct text token, struct segments *into)
{
    struct text *parts[] = {&into->header, &into->payload, &into->signature};

    for (size_t i = 0; i < 3; i++) {
        const char *dot = memchr(token.at, '.', token.len);
        size_t len = dot ? (size_t)(dot - token.at) : token.len;
        if ((i < 2) != (dot != NULL))
            return false;
        *parts[i] = (struct text){token.at, len};
        if (!text_is_base64url(*parts[i]))
            return false;
        token.at += len + (dot != NULL);
        token.len -= len + (dot != NULL);
    }
    return true;
}

static enum jwt_status status_of(const cjose_err *error)
{
    return error->code == CJOSE_ERR_NO_MEMORY ? JWT_NO_MEMORY : JWT_INVALID;
}

/* Parses the bytes, which must be a JSON object and stay where they are. */
static enum jwt_status parse_object(struct arena *arena, struct text bytes, const struct json **object)
{
    struct json_error error;

    switch (json_parse(arena, bytes, object, &error)) {
    case JSON_OK:
        return json_type(*object) == JSON_OBJECT ? JWT_OK : JWT_INVALID;
    case JSON_NO_MEMORY:
        return JWT_NO_MEMORY;
    default:
        return JWT_INVALID;
    }
}

static enum jwt_status parse_header(struct arena *arena, struct text segment, const struct json **header)
{
    cjose_err error = {0};
    uint8_t *bytes;
    size_t len;

    if (!cjose_base64url_decode(segment.at, segment.len, &bytes, &len, &error))
        return status_of(&error);
    struct text copy = arena_text(arena, (struct text){(const char *)bytes, len});
    free(bytes);
    return copy.at ? parse_object(arena, copy, header) : JWT_NO_MEMORY;
}

/*
 * If a token has a type, it must be an access token (RFC 9068) or of no special type (RFC 8725, section
 * 3.11).
 */
static bool is_for_access(const struct json *header)
{
    static const char *const types[] = {"JWT", "at+jwt", "application/at+jwt"};
    const struct json *type = json_member(header, "typ");

    for (size_t i = 0; type && i < COUNT(types); i++)
        if (json_type(type) == JSON_TEXT && text_equal_folded(json_text(type), text_of(types[i])))
            return true;
    return !type;
}

/* The key that the header names; if it names none, the only key. */
static enum jwt_status find_key(const struct jwt_keys *keys, const struct json *header,
                                const struct key **found)
{
    const struct json *alg = json_member(header, "alg"), *kid = json_member(header, "kid");
    bool known = false;

    if (!is_text(alg, "RS256") && !is_text(alg, "ES256"))
        return JWT_INVALID;
    if (!kid && keys->count > 1)
        return JWT_INVALID;
    if (kid && json_type(kid) != JSON_TEXT)
        return JWT_INVALID;
    for (size_t i = 0; i < keys->count; i++) {
        const struct key *key = &keys->items[i];
        if (kid && !text_equal(key->kid, json_text(kid)))
            continue;
        known = true;
        if (is_text(alg, key->algorithm->name)) {
            *found = key;
            return JWT_OK;
        }
    }
    return known ? JWT_INVALID : JWT_UNKNOWN_KEY;
}

/* Copies the payload into the arena, if the signature is by the key. */
static enum jwt_status check_signature(const struct key *key, struct text token, struct arena *arena,
                                       struct text *payload)
{
    cjose_err error = {0};
    cjose_jws_t *jws = cjose_jws_import(token.at, token.len, &error);

    if (!jws)
        return status_of(&error);
    enum jwt_status status = JWT_INVALID;
    const char *alg = cjose_header_get(cjose_jws_get_protected(jws), CJOSE_HDR_ALG, &error);
    uint8_t *bytes;
    size_t len;
    if (alg && strcmp(alg, key->algorithm->name) == 0 && cjose_jws_verify(jws, key->jwk, &error) &&
        cjose_jws_get_plaintext(jws, &bytes, &len, &error)) {
        *payload = arena_text(arena, (struct text){(const char *)bytes, len});
        status = payload->at ? JWT_OK : JWT_NO_MEMORY;
    } else {
        status = status_of(&error);
    }
    cjose_jws_release(jws);
    return status;
}

enum jwt_status jwt_open(const struct jwt_keys *keys, struct text token, struct arena *arena,
                         struct text *payload)
{
    struct segments segments;
    const struct json *header;
    const struct key *key;

    if (token.len > JWT_LIMIT || !split(token, &segments))
        return JWT_INVALID;
    enum jwt_status status = parse_header(arena, segments.header, &header);
    if (status)
        return status;
    if (json_member(header, "crit") || !is_for_access(header))
        return JWT_INVALID;
    status = find_key(keys, header, &key);
    if (status)
        return status;
    if (key->algorithm->signature && segments.signature.len != (key->algorithm->signature * 4 + 2) / 3)
        return JWT_INVALID;
    return check_signature(key, token, arena, payload);
}

/* Reads a NumericDate; `*time` is not changed if it is absent. False if it is not a time. */
static bool read_time(const struct json *claims, const char *name, int64_t *time)
{
    const struct json *member = json_member(claims, name);

    if (!member)
        return true;
    if (json_type(member) != JSON_NUMBER || !(json_double(member) >= 0) || json_double(member) > TIME_MAX)
        return false;
    *time = (int64_t)floor(json_double(member));
    return true;
}

/* Reads a text, null if it is absent. False if it is not a text. */
static bool read_text(const struct json *claims, const char *name, struct text *into)
{
    const struct json *member = json_member(claims, name);

    *into = TEXT_NULL;
    if (!member)
        return true;
    if (json_type(member) != JSON_TEXT)
        return false;
    *into = json_text(member);
    return true;
}

static bool is_meant_for(const struct json *claims, struct text audience)
{
    const struct json *member = json_member(claims, "aud");
    bool sound;

    if (!member)
        return false;
    if (json_type(member) == JSON_TEXT)
        return text_equal(json_text(member), audience);
    return lists(member, audience, &sound);
}

bool jwt_is_current(int64_t exp, const struct jwt_rules *rules, int64_t now)
{
    return now < exp + rules->leeway;
}

/* The claims of RFC 7519, section 4.1. */
static enum jwt_status check_claims(const struct json *object, const struct jwt_rules *rules, int64_t now,
                                    struct jwt_claims *claims)
{
    int64_t not_before = 0, issued = 0;
    struct text issuer;

    if (!json_member(object, "exp") || !read_time(object, "exp", &claims->exp) ||
        !read_time(object, "nbf", &not_before) || !read_time(object, "iat", &issued) ||
        !read_text(object, "iss", &issuer) || !read_text(object, "sub", &claims->sub) ||
        !read_text(object, "scope", &claims->scope))
        return JWT_INVALID;
    if (!issuer.at || !text_equal(issuer, rules->issuer) || !is_meant_for(object, rules->audience))
        return JWT_INVALID;
    if (not_before > now + rules->leeway || issued > now + rules->leeway)
        return JWT_INVALID;
    return jwt_is_current(claims->exp, rules, now) ? JWT_OK : JWT_EXPIRED;
}

enum jwt_status jwt_verify(const struct jwt_keys *keys, const struct jwt_rules *rules, struct text token,
                           int64_t now, struct arena *arena, struct jwt_claims *claims)
{
    const struct json *object;
    struct text payload;
    enum jwt_status status = jwt_open(keys, token, arena, &payload);

    if (!status)
        status = parse_object(arena, payload, &object);
    return status ? status : check_claims(object, rules, now, claims);
}
