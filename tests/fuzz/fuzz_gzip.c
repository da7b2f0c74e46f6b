/* gzip: what was compressed expands to itself, and of what clients send never more than the limit is written.
 */
#include <string.h>

#include "common/base/gzip.h"
#include "tests/fuzz/support/fuzz.h"

#define LIMIT ((size_t)64 << 10) /* bytes that a client's data may become */

/* A client's data: of one member it is the same with and without others allowed; a smaller limit refuses it.
 */
static void expand(struct arena *arena, struct text input)
{
    struct text plain = TEXT_NULL, again = TEXT_NULL;
    enum gzip_status any = gzip_expand_within(arena, input, LIMIT, false, &plain);
    enum gzip_status one = gzip_expand_within(arena, input, LIMIT, true, &again);

    HOLDS(any != GZIP_NO_MEMORY && one != GZIP_NO_MEMORY);
    HOLDS(one != GZIP_OK || (any == GZIP_OK && text_equal(plain, again)));
    if (any != GZIP_OK)
        return;
    HOLDS(plain.len <= LIMIT);
    HOLDS(gzip_expand_within(arena, input, plain.len, false, &again) == GZIP_OK && text_equal(plain, again));
    if (plain.len)
        HOLDS(gzip_expand_within(arena, input, plain.len - 1, false, &again) == GZIP_TOO_LARGE);
}

/* What is compressed at once. */
static void compress(struct arena *arena, struct text plain)
{
    struct text gzipped = gzip_compress(arena, plain), again;

    if (!gzipped.at)
        return;
    HOLDS(gzipped.len <= plain.len);
    HOLDS(text_equal(gzip_expand(arena, gzipped), plain));
    HOLDS(gzip_expand_within(arena, gzipped, plain.len, true, &again) == GZIP_OK);
    HOLDS(text_equal(again, plain));
}

/* What is compressed in parts, of sizes that the input's own bytes give, into rooms of such sizes. */
static void stream(struct arena *arena, struct text plain)
{
    struct gzip_stream *gzip = gzip_stream_open(arena);
    size_t size = 2 * plain.len + 1024, len = 0, at = 0;
    char *gzipped = arena_alloc(arena, size);
    bool ended = false;

    HOLDS(gzip && gzipped);
    while (!ended) {
        size_t most = plain.len - at, part = at < plain.len ? 1 + (unsigned char)plain.at[at] % 64u : 0;
        struct text left = {plain.at + at, part < most ? part : most};
        size_t room = 1 + (at + len) % 17;
        HOLDS(len + room <= size);
        struct text rest = left;
        len += gzip_stream_take(gzip, &rest, gzipped + len, room, at + left.len == plain.len, &ended);
        at += left.len - rest.len;
    }
    HOLDS(at == plain.len && text_equal(gzip_expand(arena, (struct text){gzipped, len}), plain));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct arena arena = {0};
    struct text input = {len ? (const char *)bytes : "", len};

    expand(&arena, input);
    compress(&arena, input);
    stream(&arena, input);
    arena_free(&arena);
    return 0;
}
