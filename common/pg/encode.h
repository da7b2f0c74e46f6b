/*
 * Parameters in PostgreSQL's binary format (src/backend/utils/adt: array_recv, int8recv, …; all numbers
 * big-endian).
 */
#ifndef COMMON_PG_ENCODE_H
#define COMMON_PG_ENCODE_H

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/pg/statement.h"

/* One parameter: its bytes in the arena; at == NULL is null. False when memory is exhausted. */
MUST_CHECK bool column_encode(struct arena *arena, const struct column *column, const void *params,
                              struct text *out);

/* An array of `count` parameters, one of each struct; a NULL struct gives a null element. */
MUST_CHECK bool column_encode_array(struct arena *arena, const struct column *column,
                                    const void *const *params, size_t count, struct text *out);

/* The bytes of the texts and JSON values among the parameters; others cannot be large. */
size_t params_size(const struct statement *statement, const void *params);

#endif
