/* The types of columns, in C and in PostgreSQL: one table. */
#ifndef COMMON_PG_COLUMN_H
#define COMMON_PG_COLUMN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/pg/statement.h"

/* The OID that a parameter is declared with, from pg_type.dat: of the scalar or of its array. */
uint32_t column_oid(enum column_type type, bool array);

/* The same in SQL: `bigint`, `bigint[]`. */
const char *column_sql(enum column_type type, bool array);

/* Whether a result of a PostgreSQL type can be read as a column. */
bool column_takes(enum column_type type, uint32_t oid);

#endif
