/* The different texts of a list, each once, in the order in which they first appeared. */
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
    uint32_t *slots; /* from a hash to a place, which is counted from 1; 0: free */
    size_t slot_count;
};

/* Makes room for `most` texts, in the arena. False: memory is exhausted. */
bool distinct_open(struct distinct *distinct, struct arena *arena, size_t most) MUST_CHECK;

/* Returns the place of a text, which is added if it is new; its bytes are not copied. */
size_t distinct_place(struct distinct *distinct, struct text text);

#endif
