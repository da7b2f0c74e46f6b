/*
 * A hash for tables in memory whose keys come from clients: SipHash-1-3 (Aumasson, Bernstein: "SipHash: a
 * fast short-input PRF", 2012) under a random key of the process. Whoever does not know the key cannot choose
 * many texts with the same hash, which would make a table as slow as a list.
 */
#ifndef COMMON_BASE_HASH_H
#define COMMON_BASE_HASH_H

#include <stdint.h>

#include "common/base/text.h"

struct hash_key {
    uint64_t a, b;
};

/* The hash of the bytes, under the key of the process, which the first call makes. From any thread. */
uint64_t hash_text(struct text t);

/* The same under a given key. */
uint64_t hash_text_under(struct hash_key key, struct text t);

#endif
