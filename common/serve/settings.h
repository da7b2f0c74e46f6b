/*
 * The settings of a daemon: those of each room, and the common ones (settings_table.h has their names,
 * ranges, defaults and help).
 */
#ifndef COMMON_SERVE_SETTINGS_H
#define COMMON_SERVE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/auth/settings.h"
#include "common/base/log.h"
#include "common/http/client.h"
#include "common/http/server.h"
#include "common/pg/pg.h"
#include "common/watch/request_log.h"

struct command;

#define WORKERS_MAX 64

/* Of rooms above this one: the services that are called. */
struct directory_settings {
    const char *user_progress_url;
    const char *performance_reporting_url, *usage_analytics_url; /* called by User Progress only */
    const char *user_service_url; /* NULL: users are looked up in the service's own table */
    int64_t timeout;              /* milliseconds */
    int64_t plain_lookups;        /* names that are looked up one by one for one request */
};

/* Of requests with many items. */
struct ingest_settings {
    int64_t body_limit; /* bytes, on the wire and decoded */
    int64_t limit;      /* items */
    int64_t timeout;    /* milliseconds */
    int64_t future;     /* seconds */
};

/* Of the deletion by age. */
struct retention_settings {
    int64_t days;    /* 0: only when it is called */
    int64_t timeout; /* of a call, milliseconds */
};

struct settings {
    int64_t port;
    const char *bind_address;
    int64_t workers;
    int64_t memory_limit;                                                      /* bytes, of the process */
    bool sandbox;                                                              /* see base/sandbox.h */
    int64_t request_limit;                                                     /* in flight, per worker */
    int64_t request_timeout, report_timeout, export_timeout, shutdown_timeout; /* milliseconds */
    int64_t string_limit;                                                      /* code points */
    int64_t list_limit;                                                        /* items */
    struct log_settings log;
    struct http_settings http;
    struct client_settings client;
    struct auth_settings auth;
    struct pg_settings pg;
    struct watch_settings watch;
    struct directory_settings directory;
    struct ingest_settings ingest;
    struct retention_settings retention;
    const char *dashboard_urls;    /* service=address, separated by commas (dashboard.h) */
    const struct command *command; /* the one given as an argument; NULL: serve */
};

#endif
