/*
 * gzip's format (RFC 1952), for the bodies of requests and answers.
 */
#ifndef COMMON_BASE_GZIP_H
#define COMMON_BASE_GZIP_H

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
 * never writes more than that.
 */
enum gzip_status gzip_expand_within(struct arena *arena, struct text gzipped, size_t limit,
                                    struct text *plain) MUST_CHECK;

/*
 * Expands data that this program compressed, into the arena; the null text if memory is exhausted or the
 * bytes are not a single gzip member.
 */
struct text gzip_expand(struct arena *arena, struct text gzipped);

#endif
