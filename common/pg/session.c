#include "common/pg/session.h"

#include <libpq-fe.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/pg/script.h"

#define FORBIDDEN        "42501"      /* insufficient_privilege */
#define COMPLAINTS_APART (5 * SECOND) /* between two warnings of this process that it waits for the owner */
#define LOCK_WAIT_OF_APPENDS                                                                                 \
    250 /* milliseconds that a batch may wait for a lock before its calls are run one by one */

extern const char pg_schema_sql[]; /* common/pg/schema.sql */

/*
 * The version is read again under the lock, because another daemon, perhaps a newer one, may have created its
 * schema in the meantime. The text of the schema is sent separately from the statement that sets its dialect.
 */
enum setup_step {
    SETUP_SETTINGS,
    SETUP_LOOK,
    SETUP_LOCK,
    SETUP_LOOK_AGAIN,
    SETUP_SCHEMA,
    SETUP_COMMIT,
    SETUP_END,
};

static _Atomic bool schema_is_ready, schema_is_awaited, encoding_is_refused;

bool session_schema_ready(void)
{
    return schema_is_ready;
}

void session_schema_doubt(void)
{
    schema_is_ready = false;
}

bool session_schema_awaited(void)
{
    return schema_is_awaited;
}

bool session_encoding_refused(void)
{
    return encoding_is_refused;
}

/*
 * Short statements find rows by index, even if the planner would not use it because tables were empty when it
 * planned; they are planned once. Reports are planned for their parameters.
 */
void session_settings(char *into, enum statement_kind kind, const struct pg_settings *settings)
{
    static const char by_index[] = "; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;"
                                   " SET enable_hashjoin = off; SET enable_mergejoin = off";
    /* The first rows of an export are needed at once, and its client may read slowly. */
    static const char by_cursor[] = "; SET cursor_tuple_fraction = 0.0001";
    bool report = kind == STATEMENT_REPORT, export = kind == STATEMENT_EXPORT;
    int64_t whole = report                     ? settings->report_timeout
                    : export                   ? settings->export_timeout
                    : kind == STATEMENT_INGEST ? settings->ingest_timeout
                                               : settings->request_timeout;
    long long timeout = whole * 2 / 3;

    snprintf(into, SESSION_TEXT_MAX,
             "SET standard_conforming_strings = on; SET default_transaction_isolation = 'read committed';"
             " SET client_min_messages = error; SET jit = off; SET statement_timeout = %lld;"
             " SET lock_timeout = %lld; SET idle_in_transaction_session_timeout = %lld%s",
             timeout, kind == STATEMENT_APPEND ? LOCK_WAIT_OF_APPENDS : timeout,
             (long long)(export ? settings->export_timeout : settings->request_timeout * 4),
             report   ? ""
             : export ? by_cursor
                      : by_index);
}

/* A connection that a pooler shares between sessions keeps few settings; PgBouncer keeps this one. */
static const char pooled_settings[] = "SET standard_conforming_strings = on";

/* Without a text there was no memory for it. */
static bool start_query(struct link *link, const char *sql)
{
    return sql && PQsendQuery(link->pq, sql) == 1 && link_write(link);
}

static bool send_settings(struct link *link)
{
    char sql[SESSION_TEXT_MAX];

    if (!link->settings->prepared_statements)
        return start_query(link, pooled_settings);
    session_settings(sql, link->kind, link->settings);
    return start_query(link, sql);
}

char *session_look_text(struct arena *arena, const struct pg_schema *schema)
{
    return arena_printf(arena,
                        "SELECT CASE WHEN to_regclass('%s') IS NULL THEN 0 ELSE coalesce(max(version), 0) END"
                        " FROM schema_version",
                        schema->table);
}

char *session_schema_text(struct arena *arena, const struct pg_schema *schema)
{
    return arena_printf(arena,
                        "%s%.*s\n; INSERT INTO schema_version (version) VALUES (%d) ON CONFLICT DO NOTHING",
                        pg_schema_sql, (int)script_first_part(schema->sql), schema->sql, schema->version);
}

static bool send_schema(struct link *link)
{
    char *sql = session_schema_text(&link->scratch, link->schema);

    return start_query(link, sql ? arena_printf(&link->scratch, "%s; COMMIT", sql) : NULL);
}

static bool send_step(struct link *link)
{
    link->step_failed = link->schema_current = false;
    switch (link->setup_step) {
    case SETUP_SETTINGS:
        return send_settings(link);
    case SETUP_LOOK:
    case SETUP_LOOK_AGAIN:
        return start_query(link, session_look_text(&link->scratch, link->schema));
    case SETUP_LOCK:
        return start_query(link, SESSION_LOCK_SQL);
    case SETUP_SCHEMA:
        return send_schema(link);
    case SETUP_COMMIT:
        return start_query(link, "COMMIT");
    default:
        return false;
    }
}

/* The step that follows one that succeeded. */
static unsigned step_after(const struct link *link)
{
    switch (link->setup_step) {
    case SETUP_SETTINGS:
        return schema_is_ready && !link->replica ? SETUP_END : SETUP_LOOK;
    case SETUP_LOOK:
        return link->schema_current ? SETUP_END : SETUP_LOCK;
    case SETUP_LOCK:
        return SETUP_LOOK_AGAIN;
    case SETUP_LOOK_AGAIN:
        return link->schema_current ? SETUP_COMMIT : SETUP_SCHEMA;
    default:
        return SETUP_END;
    }
}

/* In another encoding the database could not store every text, nor return it as it was sent. */
static bool is_utf8(const struct link *link)
{
    static _Atomic bool told;
    const char *encoding = PQparameterStatus(link->pq, "server_encoding");
    bool utf8 = encoding && strcmp(encoding, "UTF8") == 0;

    if (!link->replica)
        encoding_is_refused = !utf8;
    if (utf8)
        return true;
    if (!atomic_exchange(&told, true))
        log_line(LOG_ERROR, "the database must have the encoding UTF8", "server_encoding",
                 encoding ? encoding : "unknown", NULL);
    return false;
}

bool session_makes_schema(const struct link *link)
{
    return link->setup_step >= SETUP_LOCK;
}

bool session_start(struct link *link)
{
    link->setup_step = SETUP_SETTINGS;
    return is_utf8(link) && send_step(link);
}

/* The schema is missing, or of an earlier version, and the role may not make it. */
static void await_owner(const struct link *link, const char *reason)
{
    static _Atomic int64_t last;
    int64_t before = last, now = link->loop->now;

    if (link->replica)
        return;
    schema_is_awaited = true;
    /* If another worker wins the exchange, it has just logged the warning. */
    if ((before == 0 || now - before >= COMPLAINTS_APART) &&
        atomic_compare_exchange_strong(&last, &before, now))
        log_line(LOG_WARNING, "waiting for the owner of the schema to make it", "schema", link->schema->name,
                 "reason", reason ? reason : "", NULL);
}

/* Takes a result of a step. The last one may arrive in a later turn: PostgreSQL sends an error at once. */
static void take_step(struct link *link, const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    bool look = link->setup_step == SETUP_LOOK || link->setup_step == SETUP_LOOK_AGAIN;

    if (status == PGRES_TUPLES_OK && look)
        link->schema_current =
            PQntuples(result) == 1 && strtol(PQgetvalue(result, 0, 0), NULL, 10) >= link->schema->version;
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (link->setup_step == SETUP_LOOK && state && strcmp(state, "42P01") == 0)
        return; /* no such table: a new database */
    link->step_failed = true;
    if (state && strcmp(state, FORBIDDEN) == 0 && link->setup_step != SETUP_SETTINGS) {
        await_owner(link, message);
        return;
    }
    log_line(LOG_WARNING, "cannot set up the session", "sqlstate", state ? state : "08006", "reason",
             message ? message : "connection lost", NULL);
}

static bool is_standby(const struct link *link)
{
    const char *standby = PQparameterStatus(link->pq, "in_hot_standby");

    return standby && strcmp(standby, "on") == 0;
}

static enum session_status end_step(struct link *link)
{
    if (link->step_failed || PQstatus(link->pq) == CONNECTION_BAD)
        return SESSION_FAILED;
    if (link->replica && link->setup_step == SETUP_LOOK && !link->schema_current) {
        log_line(LOG_WARNING, "the replica does not have the schema yet", NULL);
        return SESSION_FAILED;
    }
    bool found = link->setup_step == SETUP_LOOK && link->schema_current;
    if (!link->replica && (found || link->setup_step == SETUP_SCHEMA || link->setup_step == SETUP_COMMIT)) {
        schema_is_ready = true;
        schema_is_awaited = false;
    }
    link->setup_step = step_after(link);
    if (link->setup_step == SETUP_END) {
        link->stands_in = link->replica && !is_standby(link);
        return SESSION_READY;
    }
    return send_step(link) ? SESSION_WAITS : SESSION_FAILED;
}

enum session_status session_take(struct link *link)
{
    while (!PQisBusy(link->pq)) {
        PGresult *result = PQgetResult(link->pq);
        if (!result)
            return end_step(link);
        take_step(link, result);
        PQclear(result);
    }
    return SESSION_WAITS;
}
