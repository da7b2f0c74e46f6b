/*
 * How a link gets to its server: the hosts of the URL in turn, without waiting.
 */
#ifndef COMMON_PG_CONNECT_H
#define COMMON_PG_CONNECT_H

#include "common/pg/connection.h"

enum connect_status { CONNECT_WAITS, CONNECT_MADE, CONNECT_FAILED };

/* Begins; false when libpq has no memory. The link's connection may be bad already. */
MUST_CHECK bool connect_start(struct link *link);

/* Goes on where the socket is ready, and watches it for what comes next. */
MUST_CHECK enum connect_status connect_poll(struct link *link);

/* Warns that the database cannot be reached: once in a while for all links, else only where debugging is on.
 */
void connect_complain(const struct link *link, const char *reason);

#endif
