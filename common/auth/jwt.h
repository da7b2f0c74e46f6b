/*
 * Bearer tokens: JWTs signed as JWS (RFC 7515, RFC 7519), verified as RFC 8725 advises.
 *
 * The algorithm is determined by the key and never by the token: an RSA key verifies RS256, a P-256 key
 * ES256, and other keys are not used. Keys, references to keys and hints in a token are ignored. Nothing here
 * reads files or uses the network. A token is verified without waiting; reading a large key set may wait.
 */
#ifndef COMMON_AUTH_JWT_H
#define COMMON_AUTH_JWT_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/text.h"

#define JWT_LIMIT      ((size_t)8 << 10)  /* bytes of a token */
#define JWT_SET_LIMIT  ((size_t)64 << 10) /* bytes of a key set */
#define JWT_KEYS_LIMIT 64                 /* keys of a set, unusable ones included */
#define JWT_RSA_BITS   2048               /* of a modulus, at least (RFC 7518, section 3.3) */

struct jwt_keys; /* a key set (RFC 7517, section 5); for one thread at a time */

/*
 * Reads a key set. Keys that are broken, too weak, not for signatures or of another type are skipped. Returns
 * NULL with `*reason`, static, if no key is left or memory is exhausted. jwt_keys_free() frees the set.
 */
struct jwt_keys *jwt_keys_parse(struct text bytes, const char **reason);

void jwt_keys_free(struct jwt_keys *keys);

/* How many usable keys the set has. */
size_t jwt_keys_count(const struct jwt_keys *keys);

/* What a token must contain; all are required. */
struct jwt_rules {
    struct text issuer;
    struct text audience;
    int64_t leeway; /* seconds by which clocks may differ */
};

/* The claims of a valid token; the names are those of RFC 7519 and RFC 8693. */
struct jwt_claims {
    struct text sub;   /* null where the token has none */
    struct text scope; /* words separated by spaces; null if the token has none */
    int64_t exp;       /* seconds since 1970 UTC */
};

enum jwt_status {
    JWT_OK,
    JWT_EXPIRED,     /* valid except for its time */
    JWT_INVALID,     /* anything else that is wrong with it */
    JWT_UNKNOWN_KEY, /* its `kid` is not in the set, which may be an old one */
    JWT_NO_MEMORY,
};

/*
 * Verifies a token's signature, but not its claims. On JWT_OK the payload, which may be any bytes, is in the
 * arena. Never returns JWT_EXPIRED.
 */
enum jwt_status jwt_open(const struct jwt_keys *keys, struct text token, struct arena *arena,
                         struct text *payload);

/* Verifies a token and its claims at the time `now` (seconds since 1970 UTC). On JWT_OK the claims are in the
 * arena. */
enum jwt_status jwt_verify(const struct jwt_keys *keys, const struct jwt_rules *rules, struct text token,
                           int64_t now, struct arena *arena, struct jwt_claims *claims);

/* Whether a valid token that expires at `exp` is still accepted. */
bool jwt_is_current(int64_t exp, const struct jwt_rules *rules, int64_t now);

#endif
