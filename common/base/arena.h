/*
 * The memory of one request: handed out in order, given back all at once.
 *
 * An arena belongs to one request of one worker. Its chunks double from ARENA_FIRST bytes; what the arena may
 * hold in all is bounded by `limit`. Nothing here waits.
 */
#ifndef COMMON_BASE_ARENA_H
#define COMMON_BASE_ARENA_H

#include <stddef.h>

#include "common/base/declare.h"
#include "common/base/text.h"

#define ARENA_FIRST ((size_t)4096)      /* bytes of the first chunk, which an arena keeps when it is reset */
#define ARENA_LIMIT ((size_t)256 << 20) /* bytes that one arena may hold at most */

struct arena_chunk;

struct arena {
    struct arena_chunk *chunk; /* the chunk that is filled now; it leads to the older ones */
    size_t used;               /* bytes handed out of that chunk */
    size_t held;               /* bytes of all chunks */
};

/* `size` bytes aligned for any type, not cleared; NULL when memory or the limit is exhausted. */
void *arena_alloc(struct arena *arena, size_t size);

/* The same, cleared. */
void *arena_zalloc(struct arena *arena, size_t size);

/*
 * Makes a block larger: in place where it is the newest of its chunk, else by a copy. `room` is the size that
 * it was asked for with, not what is in use of that. NULL when it cannot grow; the old block then stays as it
 * was.
 */
void *arena_grow(struct arena *arena, void *block, size_t room, size_t new_room) MUST_CHECK;

/* A copy of the text in the arena; the null text stays null, and is the answer when memory is exhausted. */
struct text arena_text(struct arena *arena, struct text t);

/* A terminated copy; NULL when memory is exhausted. */
char *arena_string(struct arena *arena, struct text t);

/* A formatted, terminated string; NULL when memory is exhausted. */
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Forgets everything in it; keeps one small chunk for the next request. */
void arena_reset(struct arena *arena);

/* Gives everything back. */
void arena_free(struct arena *arena);

#endif
