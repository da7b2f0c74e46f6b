/*
 * What a link does between connecting and its first batch: the session's settings, and the schema.
 */
#ifndef COMMON_PG_SESSION_H
#define COMMON_PG_SESSION_H

#include "common/pg/connection.h"

enum session_status { SESSION_WAITS, SESSION_READY, SESSION_FAILED };

/* Sends the first step on a link that has connected. False: lost. */
MUST_CHECK bool session_start(struct link *link);

/* Processes what has arrived and sends the next step. */
MUST_CHECK enum session_status session_take(struct link *link);

/* Whether the step that was sent last may take its time: it makes the schema, or waits for others that do. */
bool session_makes_schema(const struct link *link);

/* The settings of a session that runs statements of a kind, as SQL, terminated, into SESSION_TEXT_MAX bytes.
 */
#define SESSION_TEXT_MAX 640
void session_settings(char *into, enum statement_kind kind, const struct pg_settings *settings);

/*
 * How the schema is made, in a transaction: its advisory lock, what asks for its version (0: none, or only
 * that of another service), and its text with the version at the end, these two in the arena (NULL: no
 * memory). The version is asked for again under the lock.
 */
#define SESSION_LOCK_SQL                                                                                     \
    "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;"     \
    " SET LOCAL standard_conforming_strings = on; SELECT pg_advisory_xact_lock(7205759403792795);"           \
    " CREATE TABLE IF NOT EXISTS schema_version (version integer PRIMARY KEY,"                               \
    " applied_at timestamptz NOT NULL DEFAULT now())"
MUST_CHECK char *session_look_text(struct arena *arena, const struct pg_schema *schema);
MUST_CHECK char *session_schema_text(struct arena *arena, const struct pg_schema *schema);

/* Whether any link of this process has found or created the current schema. */
bool session_schema_ready(void);

/* Whether the links wait for the current schema, which the role of this process may not make. */
bool session_schema_awaited(void);

/* Whether the last connection of this process was to a database whose encoding is not UTF8. */
bool session_encoding_refused(void);

/* Makes the next connection check the schema again: a table was missing. */
void session_schema_doubt(void);

#endif
