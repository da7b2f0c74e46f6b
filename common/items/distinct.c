#include "common/items/distinct.h"

#include "common/base/hash.h"

bool distinct_open(struct distinct *distinct, struct arena *arena, size_t most)
{
    size_t slots = 16;

    while (slots < 2 * most)
        slots *= 2;
    *distinct = (struct distinct){.list = arena_alloc(arena, (most ? most : 1) * sizeof(struct text)),
                                  .slots = arena_zalloc(arena, slots * sizeof(uint32_t)),
                                  .slot_count = slots};
    return distinct->list && distinct->slots;
}

size_t distinct_place(struct distinct *distinct, struct text text)
{
    for (size_t at = hash_text(text);; at++) {
        uint32_t *slot = &distinct->slots[at & (distinct->slot_count - 1)];
        if (*slot && !text_equal(distinct->list[*slot - 1], text))
            continue;
        if (!*slot) {
            distinct->list[distinct->count++] = text;
            *slot = (uint32_t)distinct->count;
        }
        return *slot - 1;
    }
}
