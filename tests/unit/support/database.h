/*
 * A PostgreSQL for the tests, and psql beside the code under test.
 *
 * The server is the one that PGHOST, PGPORT and PGUSER name, or else one that is started for the program by
 * tools/postgres and removed at its end. Each program has a database of its own.
 */
#ifndef TESTS_DATABASE_H
#define TESTS_DATABASE_H

#include <stdbool.h>

struct psql;

/* A group's setup and teardown. */
int database_open(void **state);
int database_close(void **state);

/* The URI of the program's database, at the server itself or at a port of 127.0.0.1. The next call overwrites
 * it. */
const char *database_url(int port);

/* A socket connected to the server. */
int database_connect(void);

/* A session of its own, for locks and open transactions. Its errors fail the test. */
struct psql *psql_open(void);
void psql_close(struct psql *psql);

/* Runs SQL and returns what it printed, unaligned, without the last line end. The next call overwrites it. */
const char *psql_run(struct psql *psql, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same in the program's own session. */
const char *sql(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same as a number. */
long sql_number(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
