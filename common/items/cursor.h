/*
 * Cursors: where the next page of a list begins, as text for clients to send back.
 *
 * A cursor holds a place and a hash of the query that it belongs to. It is checked like any input: any bytes
 * are a place, or refused.
 */
#ifndef COMMON_ITEMS_CURSOR_H
#define COMMON_ITEMS_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/declare.h"
#include "common/base/moment.h"
#include "common/base/text.h"

#define CURSOR_TEXT 51 /* bytes of a printed cursor, terminated */

/* The row that was the last one. */
struct place {
    struct moment at; /* null: it has no time */
    int64_t id;
};

/* The hash of what a query was, each text by itself; a null text is another one than an empty one. */
uint64_t cursor_hash(const struct text *texts, size_t count);

void cursor_print(char out[static CURSOR_TEXT], uint64_t hash, struct place place);

enum cursor_status { CURSOR_GOOD, CURSOR_OF_ANOTHER_QUERY, CURSOR_NONE };

MUST_CHECK enum cursor_status cursor_read(struct text text, uint64_t hash, struct place *place);

#endif
