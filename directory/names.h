/* The names of users and labs of one call: each once, and none that cannot exist. */
#ifndef DIRECTORY_NAMES_H
#define DIRECTORY_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/text.h"

#define LOOKUP_NAMES 512 /* users, and types, of one call */
#define NAMES_SLOTS  ((size_t)2 * LOOKUP_NAMES)

/* Different names of one kind, in the order in which they came. */
struct names {
    size_t count;
    struct text list[LOOKUP_NAMES];
    uint16_t slots[NAMES_SLOTS]; /* by hash: an index from 1, or 0 */
};

void names_clear(struct names *names);

/* Adds a copy of a name, unless it is in the list; at most LOOKUP_NAMES are. False: no room, or no memory. */
bool names_add(struct names *names, struct arena *arena, struct text name) MUST_CHECK;

/* The index of a name in the list; `count` if it is not there. */
size_t names_find(const struct names *names, struct text name);

/*
 * Whether a user with that id, or a lab of that type, can exist. Others are not looked up: the answer is that
 * they do not exist.
 */
bool user_can_exist(struct text id);
bool lab_can_exist(struct text type);

/* The most bytes of a name in a JSON list. */
size_t name_size(struct text name);

#endif
