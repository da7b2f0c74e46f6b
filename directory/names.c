#include "directory/names.h"

#include "common/base/hash.h"

#define ID_BYTES    2704 /* the most of an id: the limit of PostgreSQL's indexes */
#define TYPE_POINTS 255  /* code points of a lab type */

bool user_can_exist(struct text id)
{
    return id.at && id.len <= ID_BYTES;
}

bool lab_can_exist(struct text type)
{
    return type.at && text_code_points(type) <= TYPE_POINTS;
}

size_t name_size(struct text t)
{
    size_t size = 3; /* quotes and comma */

    for (size_t i = 0; i < t.len; i++)
        size += (unsigned char)t.at[i] < 0x20 ? 6 : t.at[i] == '"' || t.at[i] == '\\' ? 2 : 1;
    return size;
}

void names_clear(struct names *names)
{
    names->count = 0;
    memset(names->slots, 0, sizeof(names->slots));
}

/* The slot of a name: the one with its index, or the free one where it belongs. */
static size_t slot_of(const struct names *names, struct text name)
{
    for (size_t at = hash_text(name) % NAMES_SLOTS;; at = (at + 1) % NAMES_SLOTS) {
        uint16_t place = names->slots[at];
        if (!place || text_equal(names->list[place - 1], name))
            return at;
    }
}

bool names_add(struct names *names, struct arena *arena, struct text name)
{
    size_t slot = slot_of(names, name);

    if (names->slots[slot])
        return true;
    struct text copy = names->count < LOOKUP_NAMES ? arena_text(arena, name) : TEXT_NULL;
    if (!copy.at)
        return false;
    names->list[names->count++] = copy;
    names->slots[slot] = (uint16_t)names->count;
    return true;
}

size_t names_find(const struct names *names, struct text name)
{
    uint16_t place = names->slots[slot_of(names, name)];

    return place ? place - 1u : names->count;
}
