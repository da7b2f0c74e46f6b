#include "common/base/hash.h"

#include <pthread.h>
#include <sys/random.h>

#define WORD sizeof(uint64_t)

static struct hash_key own_key;

static void make_own_key(void)
{
    struct hash_key key;

    /* So few bytes come whole (getrandom(2)); a kernel without the call cannot run the server either. */
    if (getrandom(&key, sizeof(key), 0) == (ssize_t)sizeof(key))
        own_key = key;
}

static uint64_t rotated(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

static void sip_round(uint64_t v[static 4])
{
    v[0] += v[1], v[1] = rotated(v[1], 13) ^ v[0], v[0] = rotated(v[0], 32);
    v[2] += v[3], v[3] = rotated(v[3], 16) ^ v[2];
    v[0] += v[3], v[3] = rotated(v[3], 21) ^ v[0];
    v[2] += v[1], v[1] = rotated(v[1], 17) ^ v[2], v[2] = rotated(v[2], 32);
}

static void take_word(uint64_t v[static 4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

/* Up to eight bytes, the first one the least. */
static uint64_t word_at(const char *at, size_t len)
{
    uint64_t word = 0;

    while (len--)
        word = word << 8 | (unsigned char)at[len];
    return word;
}

uint64_t hash_text_under(struct hash_key key, struct text t)
{
    uint64_t v[4] = {key.a ^ UINT64_C(0x736f6d6570736575), key.b ^ UINT64_C(0x646f72616e646f6d),
                     key.a ^ UINT64_C(0x6c7967656e657261), key.b ^ UINT64_C(0x7465646279746573)};
    size_t at = 0;

    for (; t.len - at >= WORD; at += WORD)
        take_word(v, word_at(t.at + at, WORD));
    take_word(v, word_at(t.at + at, t.len - at) | (uint64_t)t.len << 56);
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t hash_text(struct text t)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_own_key);
    return hash_text_under(own_key, t);
}
