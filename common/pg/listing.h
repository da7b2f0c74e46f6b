/* The statements of the program, printed for the tests that check them against a database. */
#ifndef COMMON_PG_LISTING_H
#define COMMON_PG_LISTING_H

#include <stdio.h>

#include "common/pg/settings.h"

/*
 * Prints one JSON object per line: first each kind of statement with the settings of the sessions that run
 * it, then each statement with its text, its parameters and its row.
 */
void listing_print(FILE *out, const struct pg_settings *settings);

#endif
