/*
 * gzip's format (RFC 1952), for the bodies of answers.
 */
#ifndef COMMON_BASE_GZIP_H
#define COMMON_BASE_GZIP_H

#include "common/base/arena.h"
#include "common/base/text.h"

/* Quickly compressed, in the arena; the null text where that is not smaller or memory is exhausted. */
struct text gzip_compress(struct arena *arena, struct text plain);

/* Expanded, in the arena; the null text when memory is exhausted or the bytes are no single gzip member. */
struct text gzip_expand(struct arena *arena, struct text gzipped);

#endif
