/*
 * What the owner of a schema does, so that the service's own role need not be it: it makes the schema, and
 * grants that role what the text of the schema says.
 *
 * Where the two are one role, nothing is granted. Otherwise everything that the role or PUBLIC had on the
 * owner's tables and sequences, on its functions that run with its rights, on the schema and on the database
 * is taken away first, in the same transaction.
 */
#ifndef COMMON_PG_OWNER_H
#define COMMON_PG_OWNER_H

#include "common/base/declare.h"
#include "common/pg/settings.h"

/*
 * Makes the schema and does its steps until none but slices is left: those are functions that the service's
 * role may call, and its daemons do them. Waits for the database up to a minute, and for locks as long as it
 * takes. Prints what it did; false: not all is done, and the log says why. Can be run again at any time.
 */
bool owner_make_schema(const struct pg_settings *settings, const struct pg_schema *schema) MUST_CHECK;

#endif
