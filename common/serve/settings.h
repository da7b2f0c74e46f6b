/*
 * Every setting: name, type, range, default and help in one table, which `--help` and the README print.
 *
 * A setting comes from the environment (`REQUEST_TIMEOUT_MS`) or a flag of the same meaning
 * (`--request-timeout-ms`), which wins. A secret can also come from a file (`DATABASE_URL_FILE`). Read once,
 * before any thread starts.
 */
#ifndef COMMON_SERVE_SETTINGS_H
#define COMMON_SERVE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct api;
struct command;

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

struct settings {
    int64_t port;
    const char *bind_address;
    const char *database_url;
    const char *database_read_url; /* NULL: as database_url */
    bool prepared_statements;
    const char *user_progress_service_url;
    int64_t workers;
    int64_t log_level;    /* enum log_level */
    int64_t slow_request; /* milliseconds */
    bool server_timing;
    const char *cors_origins;

    const char
        *auth_jwks_url; /* NULL: authentication is not configured; else issuer and audience are there */
    const char *auth_issuer;
    const char *auth_audience;
    const char *auth0_domain;
    const char *auth_ca_file; /* NULL: the system's certificates */
    bool auth_required;
    bool auth_subject_scoped;
    const char *service_token;     /* NULL: none */
    const char *user_svc_base_url; /* NULL: users are looked up in the own table */

    int64_t body_limit;   /* bytes */
    int64_t header_limit; /* bytes */
    int64_t url_limit;    /* bytes */
    int64_t string_limit; /* code points */
    int64_t list_limit;   /* items */

    int64_t connection_limit;
    int64_t request_limit; /* in flight, a worker */
    int64_t queue_limit;   /* statements that wait, a worker and lane */
    int64_t batch_limit;   /* statements of one batch */
    int64_t read_connections, append_connections, change_connections, report_connections;

    int64_t lookup_connections;     /* to other services, a worker */
    int64_t lookup_connect_timeout; /* milliseconds */
    int64_t lookup_timeout;

    int64_t request_timeout; /* milliseconds, this and the following */
    int64_t report_timeout;
    int64_t header_timeout;
    int64_t body_timeout;
    int64_t write_timeout;
    int64_t keepalive_timeout;
    int64_t shutdown_timeout;

    const struct command *command; /* that was asked for; NULL: to serve */
};

enum settings_status {
    SETTINGS_READY,
    SETTINGS_PRINTED,      /* --help or the like was answered: exit 0 */
    SETTINGS_BAD,          /* one clear line is on stderr: exit 2 */
    SETTINGS_OPENAPI,      /* --openapi: the caller prints the document */
    SETTINGS_HEALTH_CHECK, /* --health-check: the caller asks the daemon on the port */
};

/* Fills the settings for a daemon. Strings point into the environment, argv or memory that lives as long as
 * the process. */
enum settings_status settings_read(struct settings *settings, const struct api *api, int argc, char **argv);

#endif
