/*
 * Different texts, each once, in the order in which they first came.
 */
#ifndef COMMON_ITEMS_DISTINCT_H
#define COMMON_ITEMS_DISTINCT_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/text.h"

struct distinct {
    struct text *list;
    size_t count;
    uint32_t *slots; /* by hash: a place from 1, or 0 */
    size_t slot_count;
};

/* Room for `most` texts, in the arena. False: memory is exhausted. */
bool distinct_open(struct distinct *distinct, struct arena *arena, size_t most) MUST_CHECK;

/* The place of a text, which is added where it is not there yet; its bytes stay where they are. */
size_t distinct_place(struct distinct *distinct, struct text text);

#endif
