/*
 * The key set that tokens are verified with: where it comes from and how it stays current.
 *
 * One per process; its workers parse copies of their own. The last valid set is kept if later fetches fail,
 * and a service can start without one.
 */
#ifndef COMMON_AUTH_KEYSET_H
#define COMMON_AUTH_KEYSET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/auth/jwt.h"

struct arena;
struct auth_settings;
struct client;
struct keyset;

/* A set that has not been fetched yet; NULL when memory is exhausted. The settings must outlive it. */
struct keyset *keyset_new(const struct auth_settings *settings);
void keyset_free(struct keyset *keyset);

/* The number of valid sets fetched so far; 0: none yet. From any thread. */
uint64_t keyset_generation(struct keyset *keyset);

/*
 * Parses the last valid set, which the caller frees, and tells its generation; NULL if there is none, or no
 * memory. From any thread.
 */
struct jwt_keys *keyset_copy(struct keyset *keyset, uint64_t *generation);

/*
 * Whether the set may be fetched at `now` (monotonic, nanoseconds) because of a token with an unknown `kid`:
 * true once in KEYSET_PAUSE_S seconds for all workers together. From any thread.
 */
#define KEYSET_PAUSE_S 30
bool keyset_claim_fetch(struct keyset *keyset, int64_t now);

/* Whether somebody fetches the set at this moment. From any thread. */
bool keyset_is_fetched(struct keyset *keyset);

/*
 * Fetches the set, from a file or with the client; one that is not valid is logged and dropped. Uses the
 * arena for its bytes. May wait until the deadline (monotonic, nanoseconds).
 */
void keyset_fetch(struct keyset *keyset, struct client *client, struct arena *arena, int64_t deadline);

#endif
