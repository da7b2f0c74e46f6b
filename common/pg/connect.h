/* How a link connects to its server: to the hosts of the URL in turn, without waiting. */
#ifndef COMMON_PG_CONNECT_H
#define COMMON_PG_CONNECT_H

#include "common/pg/connection.h"

enum connect_status { CONNECT_WAITS, CONNECT_MADE, CONNECT_FAILED };

/*
 * Begins a connection to the hosts of the lists instead of the URL's: as `name`, and to a server that can be
 * written to unless `any`, or the URL, says otherwise. NULL: no memory.
 */
MUST_CHECK struct pg_conn *connect_begin(const char *url, const struct host_lists *lists, const char *name,
                                         bool any);

/* Begins to connect; false if libpq has no memory. The link's connection may have failed already. */
MUST_CHECK bool connect_start(struct link *link);

/* Continues when the socket is ready, and watches it for what is needed next. */
MUST_CHECK enum connect_status connect_poll(struct link *link);

/*
 * Warns that the database cannot be reached: from time to time for all links, otherwise only at level debug.
 */
void connect_complain(const struct link *link, const char *reason);

#endif
