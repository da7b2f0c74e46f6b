#include "common/base/gzip.h"

#include <stdint.h>
#include <zlib.h>

#define LEVEL         1
#define MEMORY        8         /* zlib's own default */
#define WINDOW        (15 + 16) /* of deflateInit2 and inflateInit2: 32 KiB, with a gzip header */
#define STREAM_MEMORY 7         /* of a stream: with a window of 8 KiB some 80 KiB in all */
#define STREAM_WINDOW (13 + 16)
#define FIRST         ((size_t)4096) /* bytes allocated at first */
#define TRAILER       8 /* bytes at the end of a member: a checksum, and the length before compression */

static void *zlib_alloc(void *arena, unsigned count, unsigned size)
{
    return arena_alloc(arena, (size_t)count * size);
}

static void zlib_free(void *arena, void *block)
{
    (void)arena;
    (void)block;
}

/* Sets where a stream reads and writes; zlib does not change its input. */
static void set_buffers(z_stream *z, struct text from, char *room, size_t size)
{
    z->next_in = (unsigned char *)(uintptr_t)from.at;
    z->avail_in = (unsigned)from.len;
    z->next_out = (unsigned char *)room;
    z->avail_out = (unsigned)size;
}

struct text gzip_compress(struct arena *arena, struct text plain)
{
    z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free, .opaque = arena};
    char *room = arena_alloc(arena, plain.len);

    if (!room || deflateInit2(&z, LEVEL, Z_DEFLATED, WINDOW, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        return TEXT_NULL;
    set_buffers(&z, plain, room, plain.len);
    bool smaller = deflate(&z, Z_FINISH) == Z_STREAM_END;
    size_t len = plain.len - z.avail_out;
    deflateEnd(&z);
    return smaller ? (struct text){room, len} : TEXT_NULL;
}

struct gzip_stream {
    z_stream z;
};

struct gzip_stream *gzip_stream_open(struct arena *arena)
{
    struct gzip_stream *stream = arena_zalloc(arena, sizeof(*stream));

    if (!stream)
        return NULL;
    stream->z = (z_stream){.zalloc = zlib_alloc, .zfree = zlib_free, .opaque = arena};
    return deflateInit2(&stream->z, LEVEL, Z_DEFLATED, STREAM_WINDOW, STREAM_MEMORY, Z_DEFAULT_STRATEGY) ==
                   Z_OK
               ? stream
               : NULL;
}

size_t gzip_stream_take(struct gzip_stream *stream, struct text *plain, char *room, size_t size, bool last,
                        bool *ended)
{
    z_stream *z = &stream->z;

    set_buffers(z, *plain, room, size);
    *ended = deflate(z, last ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_END;
    *plain = (struct text){plain->at + plain->len - z->avail_in, z->avail_in};
    return size - z->avail_out;
}

struct text gzip_expand(struct arena *arena, struct text gzipped)
{
    z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free, .opaque = arena};
    uint32_t len = 0;

    if (gzipped.len < TRAILER)
        return TEXT_NULL;
    for (size_t i = 1; i <= 4; i++)
        len = len << 8 | (unsigned char)gzipped.at[gzipped.len - i];
    char *room = arena_alloc(arena, len);
    if (!room || inflateInit2(&z, WINDOW) != Z_OK)
        return TEXT_NULL;
    set_buffers(&z, gzipped, room, len);
    bool whole = inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_in == 0 && z.avail_out == 0;
    inflateEnd(&z);
    return whole ? (struct text){room, len} : TEXT_NULL;
}

/* Makes the output buffer larger, up to one byte more than the limit; false: it has that size already. */
static bool make_room(struct arena *arena, char **room, size_t *size, size_t limit)
{
    size_t larger = *size ? *size * 2 : FIRST;

    if (larger > limit + 1)
        larger = limit + 1;
    char *grown = larger > *size ? arena_alloc(arena, larger) : NULL;
    if (!grown)
        return false;
    if (*size)
        memcpy(grown, *room, *size);
    *room = grown;
    *size = larger;
    return true;
}

/* Runs an opened stream over all of its input. */
static enum gzip_status expand(struct arena *arena, z_stream *z, size_t limit, bool one, struct text *plain)
{
    char *room = NULL;
    size_t size = 0;

    z->avail_out = 0;
    for (;;) {
        if (!z->avail_out) {
            size_t len = size;
            if (!make_room(arena, &room, &size, limit))
                return size > limit ? GZIP_TOO_LARGE : GZIP_NO_MEMORY;
            z->next_out = (unsigned char *)room + len;
            z->avail_out = (unsigned)(size - len);
        }
        int status = inflate(z, Z_NO_FLUSH);
        if (status == Z_STREAM_END && !z->avail_in) {
            *plain = (struct text){room, size - z->avail_out};
            return plain->len > limit ? GZIP_TOO_LARGE : GZIP_OK;
        }
        if (status == Z_STREAM_END && one)
            return GZIP_DAMAGED;
        if (status == Z_STREAM_END)
            status = inflateReset(z);
        if (status == Z_MEM_ERROR)
            return GZIP_NO_MEMORY;
        if (status != Z_OK || (!z->avail_in && z->avail_out))
            return GZIP_DAMAGED;
    }
}

enum gzip_status gzip_expand_within(struct arena *arena, struct text gzipped, size_t limit, bool one,
                                    struct text *plain)
{
    z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free, .opaque = arena};

    set_buffers(&z, gzipped, NULL, 0);
    if (inflateInit2(&z, WINDOW) != Z_OK)
        return GZIP_NO_MEMORY;
    enum gzip_status status = expand(arena, &z, limit, one, plain);
    inflateEnd(&z);
    return status;
}
