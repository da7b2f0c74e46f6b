/*
 * Rows in PostgreSQL's binary format (src/backend/utils/adt: array_send, int8send, …; all numbers
 * big-endian), to the structs of the calls that wait for them.
 */
#ifndef COMMON_PG_DECODE_H
#define COMMON_PG_DECODE_H

#include "common/pg/call.h"

struct pg_result;

/*
 * Gives each call of an execution its rows. A call whose rows could not be stored, or whose statement returns
 * other columns than declared (logged as an error), becomes CALL_UNAVAILABLE.
 */
void decode_result(const struct execution *execution, const struct pg_result *result);

#endif
