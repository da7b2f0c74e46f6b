/*
 * gzip's format (RFC 1952), for the bodies of requests and answers.
 */
#ifndef COMMON_BASE_GZIP_H
#define COMMON_BASE_GZIP_H

#include <stdbool.h>

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/text.h"

/*
 * Compresses at the fastest level, into the arena; the null text if that is not smaller or memory is
 * exhausted.
 */
struct text gzip_compress(struct arena *arena, struct text plain);

enum gzip_status { GZIP_OK, GZIP_DAMAGED, GZIP_TOO_LARGE, GZIP_NO_MEMORY };

/*
 * Expands data that a client compressed, of one or more members, to at most `limit` bytes in the arena. It
 * never writes more than that. `one`: anything after the first member is damage.
 */
enum gzip_status gzip_expand_within(struct arena *arena, struct text gzipped, size_t limit, bool one,
                                    struct text *plain) MUST_CHECK;

/*
 * What is compressed while it is written. A stream needs some 80 KiB of its arena, and no more however much
 * it takes.
 */
struct gzip_stream;

/* NULL when memory is exhausted. */
struct gzip_stream *gzip_stream_open(struct arena *arena) MUST_CHECK;

/*
 * Takes bytes from `*plain`, which it advances, and puts what they become into `room`; returns how much that
 * is. `*plain` is empty afterwards unless the room is full. After the last bytes it is called with `last`
 * until `*ended` is true.
 */
size_t gzip_stream_take(struct gzip_stream *stream, struct text *plain, char *room, size_t size, bool last,
                        bool *ended);

/*
 * Expands data that this program compressed, into the arena; the null text if memory is exhausted or the
 * bytes are not a single gzip member.
 */
struct text gzip_expand(struct arena *arena, struct text gzipped);

#endif
