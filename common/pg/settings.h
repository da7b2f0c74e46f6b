/* What common/pg is given: its part of the settings, and the tables to create. */
#ifndef COMMON_PG_SETTINGS_H
#define COMMON_PG_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#define PG_BATCH_MAX 1024 /* the most statements of one batch: the maximum of BATCH_LIMIT */

struct pg_settings {
    const char *url;       /* libpq's URI */
    const char *read_url;  /* for reads that may lag behind; NULL: the same */
    const char *owner_url; /* of the role that owns the schema and makes it; NULL: the same as `url` */
    bool prepared_statements;
    int64_t queue_limit; /* statements that wait, per worker and lane */
    int64_t batch_limit; /* statements of one batch */
    int64_t read_connections, append_connections, change_connections, report_connections, ingest_connections,
        export_connections;                                                  /* per worker */
    int64_t request_timeout, report_timeout, ingest_timeout, export_timeout; /* milliseconds */
};

/* The tables that the daemon needs. */
struct pg_schema {
    const char *name; /* of the daemon, for the server's list of sessions */
    const char *sql;  /* may be run any number of times */
    int version; /* increased with every change of the text; a database of this version or a later one is left
                    as it is */
    const char *table; /* that only this text makes: without it a version is another service's */
};

#endif
