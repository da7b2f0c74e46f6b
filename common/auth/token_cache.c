#include "common/auth/token_cache.h"

#include <stdlib.h>

#include "common/base/digest.h"

#define NONE UINT32_MAX

struct entry {
    struct digest digest;
    uint64_t generation;
    struct jwt_claims claims;
    char *texts;   /* what the claims point into; NULL: the entry is empty */
    uint32_t next; /* in its chain, or NONE */
};

/*
 * The entries form a ring, so that the next one to be filled is the oldest; the chains lead from a digest to
 * its entry.
 */
struct token_cache {
    struct digester *digester;
    size_t capacity;
    size_t oldest;
    uint32_t *chains; /* `capacity` of them: the first entry, or NONE */
    struct entry *entries;
};

struct token_cache *token_cache_new(size_t capacity)
{
    struct token_cache *cache = calloc(1, sizeof(*cache));

    if (!cache)
        return NULL;
    cache->capacity = capacity;
    cache->digester = digester_open();
    cache->chains = malloc(capacity * sizeof(*cache->chains));
    cache->entries = calloc(capacity, sizeof(*cache->entries));
    if (!cache->digester || !cache->chains || !cache->entries) {
        token_cache_free(cache);
        return NULL;
    }
    for (size_t i = 0; i < capacity; i++)
        cache->chains[i] = NONE;
    return cache;
}

void token_cache_free(struct token_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; cache->entries && i < cache->capacity; i++)
        free(cache->entries[i].texts);
    free(cache->entries);
    free(cache->chains);
    digester_close(cache->digester);
    free(cache);
}

static bool hash(struct token_cache *cache, struct text token, struct digest *digest)
{
    return digester_run(cache->digester, &token, 1, digest);
}

static uint32_t *chain_of(struct token_cache *cache, const struct digest *digest)
{
    uint64_t start;

    memcpy(&start, digest->bytes, sizeof(start));
    return &cache->chains[start % cache->capacity];
}

static struct entry *find(struct token_cache *cache, const struct digest *digest)
{
    for (uint32_t at = *chain_of(cache, digest); at != NONE; at = cache->entries[at].next)
        if (memcmp(&cache->entries[at].digest, digest, sizeof(*digest)) == 0)
            return &cache->entries[at];
    return NULL;
}

static void evict(struct token_cache *cache, struct entry *entry)
{
    if (!entry->texts)
        return;
    uint32_t *link = chain_of(cache, &entry->digest);
    while (&cache->entries[*link] != entry)
        link = &cache->entries[*link].next;
    *link = entry->next;
    free(entry->texts);
    entry->texts = NULL;
}

bool token_cache_find(struct token_cache *cache, struct text token, uint64_t generation,
                      const struct jwt_rules *rules, int64_t now, struct arena *arena,
                      struct jwt_claims *claims)
{
    struct digest digest;

    if (!hash(cache, token, &digest))
        return false;
    const struct entry *entry = find(cache, &digest);
    if (!entry || entry->generation != generation || !jwt_is_current(entry->claims.exp, rules, now))
        return false;
    *claims = entry->claims;
    claims->sub = arena_text(arena, entry->claims.sub);
    claims->scope = arena_text(arena, entry->claims.scope);
    return !claims->sub.at == !entry->claims.sub.at && !claims->scope.at == !entry->claims.scope.at;
}

/* Copies a text to `*at` and moves that on; null stays null. */
static struct text copied(char **at, struct text t)
{
    if (!t.at)
        return t;
    struct text copy = {memcpy(*at, t.at, t.len), t.len};
    *at += t.len;
    return copy;
}

void token_cache_add(struct token_cache *cache, struct text token, uint64_t generation,
                     const struct jwt_claims *claims)
{
    struct digest digest;

    if (!hash(cache, token, &digest))
        return;
    char *texts = malloc(claims->sub.len + claims->scope.len + 1);
    if (!texts)
        return;
    struct entry *entry = &cache->entries[cache->oldest];
    evict(cache, entry);
    uint32_t *chain = chain_of(cache, &digest);
    char *at = texts;
    *entry = (struct entry){
        .digest = digest,
        .generation = generation,
        .claims = {copied(&at, claims->sub), copied(&at, claims->scope), claims->exp},
        .texts = texts,
        .next = *chain,
    };
    *chain = (uint32_t)cache->oldest;
    cache->oldest = (cache->oldest + 1) % cache->capacity;
}
