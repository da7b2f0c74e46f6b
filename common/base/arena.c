#include "common/base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/budget.h"

struct arena_chunk {
    struct arena_chunk *older;
    size_t size;
    alignas(max_align_t) char bytes[];
};

static size_t aligned(size_t size)
{
    return (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

/* Counts `size` more bytes if they are allowed; the first chunk of an arena always is. */
static bool may_hold(const struct arena *arena, size_t size)
{
    if (size > ARENA_LIMIT - arena->held)
        return false;
    if (!arena->always && (arena->held || size > ARENA_FIRST))
        return budget_take(size, arena->held);
    budget_add(size);
    return true;
}

static bool add_chunk(struct arena *arena, size_t needed)
{
    size_t size = arena->chunk ? arena->chunk->size * 2 : ARENA_FIRST - sizeof(struct arena_chunk);

    if (size < needed)
        size = needed;
    if (!may_hold(arena, size)) {
        if (size == needed || !may_hold(arena, needed))
            return false;
        size = needed;
    }
    struct arena_chunk *chunk = malloc(sizeof(*chunk) + size);
    if (!chunk) {
        budget_give(size);
        return false;
    }
    chunk->older = arena->chunk;
    chunk->size = size;
    arena->chunk = chunk;
    arena->used = 0;
    arena->held += size;
    return true;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > ARENA_LIMIT)
        return NULL;
    size = aligned(size ? size : 1);
    if ((!arena->chunk || size > arena->chunk->size - arena->used) && !add_chunk(arena, size))
        return NULL;
    void *block = arena->chunk->bytes + arena->used;
    arena->used += size;
    return block;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    void *block = arena_alloc(arena, size);

    return block ? memset(block, 0, size) : NULL;
}

void *arena_grow(struct arena *arena, void *block, size_t room, size_t new_room)
{
    if (new_room > ARENA_LIMIT)
        return NULL;
    if (block && arena->chunk) {
        size_t old_room = aligned(room ? room : 1);
        char *end = arena->chunk->bytes + arena->used;
        size_t more = aligned(new_room) > old_room ? aligned(new_room) - old_room : 0;
        if ((char *)block + old_room == end && more <= arena->chunk->size - arena->used) {
            arena->used += more;
            return block;
        }
    }
    void *larger = arena_alloc(arena, new_room);
    if (larger && block)
        memcpy(larger, block, room);
    return larger;
}

struct text arena_text(struct arena *arena, struct text t)
{
    if (!t.at)
        return t;
    char *copy = arena_alloc(arena, t.len);
    return copy ? (struct text){memcpy(copy, t.at, t.len), t.len} : TEXT_NULL;
}

char *arena_string(struct arena *arena, struct text t)
{
    char *copy = arena_alloc(arena, t.len + 1);

    if (copy) {
        if (t.len)
            memcpy(copy, t.at, t.len);
        copy[t.len] = '\0';
    }
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *string = len < 0 ? NULL : arena_alloc(arena, (size_t)len + 1);
    if (string) {
        va_start(args, format);
        vsnprintf(string, (size_t)len + 1, format, args);
        va_end(args);
    }
    return string;
}

size_t arena_used(const struct arena *arena)
{
    return arena->chunk ? arena->held - arena->chunk->size + arena->used : 0;
}

/* Frees the newest chunk. */
static void drop_chunk(struct arena *arena)
{
    struct arena_chunk *older = arena->chunk->older;

    budget_give(arena->chunk->size);
    free(arena->chunk);
    arena->chunk = older;
}

void arena_reset(struct arena *arena)
{
    while (arena->chunk && arena->chunk->older)
        drop_chunk(arena);
    if (arena->chunk && arena->chunk->size > ARENA_FIRST)
        drop_chunk(arena);
    arena->used = 0;
    arena->held = arena->chunk ? arena->chunk->size : 0;
}

void arena_free(struct arena *arena)
{
    while (arena->chunk)
        drop_chunk(arena);
    arena->used = arena->held = 0;
}
