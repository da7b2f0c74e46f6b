/* How a link connects to its server: to the hosts of the URL in turn, without waiting. */
#ifndef COMMON_PG_CONNECT_H
#define COMMON_PG_CONNECT_H

#include "common/pg/connection.h"

/*
 * Of every connection, in front of the URL, which may say otherwise: the kernel tells within half a minute
 * that a server is gone without a word (libpq: seconds without a word, seconds between two questions,
 * questions without an answer; milliseconds without an acknowledgement). A statement may take hours.
 */
#define CONNECT_WATCH        "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"
#define CONNECT_WATCH_VALUES "10", "5", "3", "25000"

enum connect_status { CONNECT_WAITS, CONNECT_MADE, CONNECT_FAILED };

/* Begins to connect; false if libpq has no memory. The link's connection may have failed already. */
MUST_CHECK bool connect_start(struct link *link);

/* Continues when the socket is ready, and watches it for what is needed next. */
MUST_CHECK enum connect_status connect_poll(struct link *link);

/*
 * Warns that the database cannot be reached: from time to time for all links, otherwise only at level debug.
 */
void connect_complain(const struct link *link, const char *reason);

#endif
