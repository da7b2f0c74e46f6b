/*
 * gzip's format (RFC 1952), for the bodies of requests and answers.
 */
#ifndef COMMON_BASE_GZIP_H
#define COMMON_BASE_GZIP_H

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/text.h"

/* Quickly compressed, in the arena; the null text where that is not smaller or memory is exhausted. */
struct text gzip_compress(struct arena *arena, struct text plain);

enum gzip_status { GZIP_OK, GZIP_DAMAGED, GZIP_TOO_LARGE, GZIP_NO_MEMORY };

/*
 * Expands what somebody else has compressed, members one after the other, to at most `limit` bytes in the
 * arena. It never writes more than that.
 */
enum gzip_status gzip_expand_within(struct arena *arena, struct text gzipped, size_t limit,
                                    struct text *plain) MUST_CHECK;

/* Expands what we have compressed, in the arena; the null text when memory is exhausted or the bytes are no
 * single gzip member. */
struct text gzip_expand(struct arena *arena, struct text gzipped);

#endif
