/*
 * Tokens that were verified, so that the same one costs a hash and not a signature when it is sent again.
 * Bounded: the oldest is dropped first. One for each worker, without locks; nothing here waits.
 *
 * A token is known by its SHA-256 alone, so that the cache holds nothing that could be sent as a token.
 */
#ifndef COMMON_AUTH_TOKEN_CACHE_H
#define COMMON_AUTH_TOKEN_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "common/auth/jwt.h"
#include "common/base/arena.h"
#include "common/base/text.h"

#define TOKEN_CACHE_MAX 8192 /* entries that a cache may have at most */

struct token_cache;

/* An empty cache of 1 to TOKEN_CACHE_MAX entries; NULL when memory is exhausted. token_cache_free() ends it.
 */
struct token_cache *token_cache_new(size_t capacity);

void token_cache_free(struct token_cache *cache);

/*
 * Puts the claims of a token into the arena. False where it is not known, was verified by a key set of
 * another generation, or is not current any more by the rules (jwt_is_current()); also when memory is
 * exhausted, as it can then be verified again.
 */
bool token_cache_find(struct token_cache *cache, struct text token, uint64_t generation,
                      const struct jwt_rules *rules, int64_t now, struct arena *arena,
                      struct jwt_claims *claims);

/* Keeps a token that jwt_verify() took, and a copy of its claims; or does not, when memory is exhausted. */
void token_cache_add(struct token_cache *cache, struct text token, uint64_t generation,
                     const struct jwt_claims *claims);

#endif
