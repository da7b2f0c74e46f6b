/*
 * The memory of one request: allocated in order, freed all at once.
 *
 * An arena belongs to one request of one worker. Its chunks double from ARENA_FIRST bytes; `limit` bounds
 * what the arena may hold in total. Nothing here waits.
 */
#ifndef COMMON_BASE_ARENA_H
#define COMMON_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/declare.h"
#include "common/base/text.h"

#define ARENA_FIRST ((size_t)4096)      /* bytes of the first chunk, which an arena keeps when it is reset */
#define ARENA_LIMIT ((size_t)256 << 20) /* the most bytes that one arena may hold */

struct arena_chunk;

struct arena {
    struct arena_chunk *chunk; /* the chunk in use, which leads to the older ones */
    size_t used;               /* bytes of that chunk that are allocated */
    bool always;               /* its memory is counted but never refused: its owner limits it */
    size_t held;               /* bytes of all chunks */
};

/* `size` bytes aligned for any type, not cleared; NULL when memory or the limit is exhausted. */
void *arena_alloc(struct arena *arena, size_t size);

/* The same, cleared. */
void *arena_zalloc(struct arena *arena, size_t size);

/*
 * Makes a block larger: in place if it is the newest of its chunk, otherwise by a copy. `room` is the size it
 * was allocated with, not how much of it is in use. NULL when it cannot grow; the old block then stays as it
 * was.
 */
void *arena_grow(struct arena *arena, void *block, size_t room, size_t new_room) MUST_CHECK;

/* A copy of the text in the arena; null for the null text, and when memory is exhausted. */
struct text arena_text(struct arena *arena, struct text t);

/* A terminated copy; NULL when memory is exhausted. */
char *arena_string(struct arena *arena, struct text t);

/* A formatted, terminated string; NULL when memory is exhausted. */
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Bytes that were handed out. */
size_t arena_used(const struct arena *arena);

/* Forgets everything in it; keeps one small chunk for the next request. */
void arena_reset(struct arena *arena);

/* Frees everything. */
void arena_free(struct arena *arena);

#endif
