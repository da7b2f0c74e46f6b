/* What any shape's struct must be after it was read without a fault. */
#ifndef TESTS_FUZZ_STRUCTS_H
#define TESTS_FUZZ_STRUCTS_H

#include "common/base/arena.h"
#include "common/base/text.h"
#include "common/shape/shape.h"

#define STRUCTS_TEXT 300 /* the limits to set: code points of a text, items of a list */
#define STRUCTS_LIST 20

/* Its members that are not null, as a JSON object. */
struct text struct_print(struct arena *arena, const struct shape *shape, const void *from);

/* Holds each member to the bounds that its field declares, and the whole to what it is when read again. */
void struct_check(struct arena *arena, const struct shape *shape, const void *from);

#endif
