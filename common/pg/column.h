/*
 * How the types of columns are called in C, here and in PostgreSQL: one table.
 */
#ifndef COMMON_PG_COLUMN_H
#define COMMON_PG_COLUMN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/pg/statement.h"

/* The OID that a parameter is declared with, as pg_type.dat fixes it: of the scalar or of its array. */
uint32_t column_oid(enum column_type type, bool array);

/* The same in SQL: `bigint`, `bigint[]`. */
const char *column_sql(enum column_type type, bool array);

/* Whether a result of PostgreSQL's type can be read as a column. */
bool column_takes(enum column_type type, uint32_t oid);

#endif
