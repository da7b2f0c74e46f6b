/*
 * What the database's room is told from outside: its part of the settings, and the tables to make.
 */
#ifndef COMMON_PG_SETTINGS_H
#define COMMON_PG_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#define PG_BATCH_MAX 1024 /* statements of one batch: what BATCH_LIMIT may be at most */

struct pg_settings {
    const char *url;      /* libpq's URI */
    const char *read_url; /* of what may lag; NULL: the same */
    bool prepared_statements;
    int64_t queue_limit; /* statements that wait, per worker and lane */
    int64_t batch_limit; /* statements of one batch */
    int64_t read_connections, append_connections, change_connections, report_connections; /* per worker */
    int64_t request_timeout, report_timeout;                                              /* milliseconds */
};

/* The tables that the daemon needs. */
struct pg_schema {
    const char *name; /* of the daemon, for the server's list of sessions */
    const char *sql;  /* may be run any number of times */
    int version;      /* rises with the text: a database of this version or a later one is left as it is */
};

#endif
