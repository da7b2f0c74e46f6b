/*
 * Tokens that were verified: one that is sent again costs a hash instead of the check of a signature.
 * Bounded: the oldest is dropped first. One per worker, without locks; nothing here waits.
 *
 * Only the SHA-256 of a token is stored, so the cache holds nothing that could be used as a token.
 */
#ifndef COMMON_AUTH_TOKEN_CACHE_H
#define COMMON_AUTH_TOKEN_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "common/auth/jwt.h"
#include "common/base/arena.h"
#include "common/base/text.h"

#define TOKEN_CACHE_MAX 8192 /* the most entries of a cache */

struct token_cache;

/* An empty cache of 1 to TOKEN_CACHE_MAX entries; NULL when memory is exhausted. token_cache_free() ends it.
 */
struct token_cache *token_cache_new(size_t capacity);

void token_cache_free(struct token_cache *cache);

/*
 * Copies the claims of a token into the arena. False if it is not known, was verified with a key set of
 * another generation, or has expired by the rules (jwt_is_current()); also when memory is exhausted, because
 * it can be verified again.
 */
bool token_cache_find(struct token_cache *cache, struct text token, uint64_t generation,
                      const struct jwt_rules *rules, int64_t now, struct arena *arena,
                      struct jwt_claims *claims);

/*
 * Keeps a token that jwt_verify() accepted and a copy of its claims; does nothing when memory is exhausted.
 */
void token_cache_add(struct token_cache *cache, struct text token, uint64_t generation,
                     const struct jwt_claims *claims);

#endif
