/*
 * Cursors: where the next page of a list begins, as a text that clients send back.
 *
 * A cursor contains a place and a hash of its query. It is checked like all input: any bytes are either a
 * valid cursor or refused.
 */
#ifndef COMMON_ITEMS_CURSOR_H
#define COMMON_ITEMS_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/moment.h"
#include "common/base/text.h"

#define CURSOR_TEXT 51 /* size of a printed cursor in bytes, with its terminator */

/* The place of the last row of a page in the order of the list. */
struct place {
    struct moment at; /* null: the row has no time */
    int64_t id;
};

/* A hash of the texts of a query; null and empty texts give different hashes. */
uint64_t cursor_hash(const struct text *texts, size_t count);

void cursor_print(char out[static CURSOR_TEXT], uint64_t hash, struct place place);

enum cursor_status { CURSOR_GOOD, CURSOR_OF_ANOTHER_QUERY, CURSOR_NONE };

MUST_CHECK enum cursor_status cursor_read(struct text text, uint64_t hash, struct place *place);

#define CURSOR_NUMBERS 4

/* The place of the last row of a page in another order: numbers, of which none is INT64_MIN, and a text. */
struct key {
    int64_t numbers[CURSOR_NUMBERS];
    struct text text;
};

/* A printed cursor in the arena; the null text if memory is exhausted. */
struct text cursor_print_key(struct arena *arena, uint64_t hash, const struct key *key);

/* The text of the key is valid UTF-8, without a NUL, in the arena. */
MUST_CHECK enum cursor_status cursor_read_key(struct arena *arena, struct text text, uint64_t hash,
                                              struct key *key);

#endif
