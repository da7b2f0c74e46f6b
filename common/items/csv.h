/*
 * Rows as CSV (RFC 4180): a null is an empty field, an empty string is quoted, a JSON value is a string of
 * JSON text.
 */
#ifndef COMMON_ITEMS_CSV_H
#define COMMON_ITEMS_CSV_H

#include <stdbool.h>

#include "common/json/writer.h"
#include "common/shape/shape.h"

/* Writes the header row: the names of the columns. */
void csv_write_header(struct writer *w, const struct shape *shape);

/*
 * Writes a row. `guarded`: an apostrophe before strings that a spreadsheet would read as a formula. Lists of
 * strings take memory of `scratch`, which the caller frees before it has many rows: the writer's own lasts as
 * long as the answer.
 */
void csv_write_row(struct writer *w, struct arena *scratch, const struct shape *shape, const void *row,
                   bool guarded);

#endif
