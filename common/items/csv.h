/*
 * Rows as CSV (RFC 4180): a null is empty, an empty string is quoted, what is JSON is a string.
 */
#ifndef COMMON_ITEMS_CSV_H
#define COMMON_ITEMS_CSV_H

#include <stdbool.h>

#include "common/json/writer.h"
#include "common/shape/shape.h"

/* The names of the columns. */
void csv_write_header(struct writer *w, const struct shape *shape);

/* A row. `guarded`: an apostrophe before strings that a spreadsheet would take for a formula. */
void csv_write_row(struct writer *w, const struct shape *shape, const void *row, bool guarded);

#endif
