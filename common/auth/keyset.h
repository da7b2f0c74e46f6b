/*
 * The key set that tokens are verified by: where it comes from and how it stays current.
 *
 * One for the process; its workers parse copies of their own. The last good set is kept, whatever later
 * fetches bring, and a service starts without one.
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

/* Counts the good sets that were fetched; 0: none yet. From any thread. */
uint64_t keyset_generation(struct keyset *keyset);

/* The last good set parsed, which the caller frees, and its generation; NULL where there is none, or no
 * memory. From any thread. */
struct jwt_keys *keyset_copy(struct keyset *keyset, uint64_t *generation);

/*
 * Whether a token with an unknown `kid` may have the set fetched at `now` (monotonic, nanoseconds): true once
 * in KEYSET_PAUSE_S seconds for all workers together. From any thread.
 */
#define KEYSET_PAUSE_S 30
bool keyset_claim_fetch(struct keyset *keyset, int64_t now);

/*
 * Fetches the set, through the client where it is not in a file; what is not better than the last good one is
 * logged and dropped. The arena has the bytes meanwhile. May wait until the deadline (monotonic,
 * nanoseconds).
 */
void keyset_fetch(struct keyset *keyset, struct client *client, struct arena *arena, int64_t deadline);

#endif
