/*
 * PostgreSQL for handlers: statements declared once, run in batches, answered when they are durable.
 *
 * Calls of many requests that arrive while a batch is on its way form the next one (lane.c). A batch is one
 * transaction; a write is answered only after its commit. Handlers run in fibers: each function here waits
 * and comes back before the request's deadline. All state belongs to one worker.
 */
#ifndef COMMON_PG_PG_H
#define COMMON_PG_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/text.h"
#include "common/shape/shape.h"

struct request;
struct settings;
struct worker;

/* How a value travels; in structs it lies as shape.h says, with its null inside. */
enum column_type {
    COLUMN_TEXT,  /* struct text; text, varchar, json */
    COLUMN_JSON,  /* struct text as a parameter of type json */
    COLUMN_INT,   /* int64_t; parameters are bigint, results any integer */
    COLUMN_BOOL,  /* int8_t */
    COLUMN_FLOAT, /* double; double precision */
    COLUMN_TIME,  /* int64_t, microseconds since 1970 UTC; timestamp or timestamptz, parameters timestamptz */
    COLUMN_TEXTS, /* struct texts; text[], varchar[]; in a set statement an array literal in a text */
};

struct column {
    enum column_type type;
    size_t at; /* offsetof in the struct of parameters or of a row */
};

enum statement_kind {
    STATEMENT_READ,   /* short, may be run again */
    STATEMENT_REPORT, /* long, on a connection of its own, perhaps to a replica that lags: it writes nothing
                       */
    STATEMENT_APPEND, /* an insert that waits for nobody: batched with others in one transaction */
    STATEMENT_CHANGE, /* may wait for a row's lock or break a constraint: a transaction of its own */
};

struct statement {
    const char *name; /* of the prepared statement, in logs and metrics */
    const char *sql;
    enum statement_kind kind;
    /*
     * A set statement takes an array a parameter, whose element i belongs to call i, and answers rows whose
     * first column is that i (from 1): the calls of a batch are one execution.
     */
    bool set;
    const struct column *params;
    size_t param_count;
    const struct column *row; /* of a set statement without the leading ordinal */
    size_t column_count;
    size_t row_size;
};

enum pg_answer {
    PG_ROW,      /* at least one row is there */
    PG_NONE,     /* the statement ran and answered no row */
    PG_CONFLICT, /* a constraint refused a STATEMENT_CHANGE; nothing was changed */
    PG_REPLIED,  /* it could not be run: 503 is the reply already */
};

/* Runs a statement; on PG_ROW `*row` is its first row. Texts live in the request's arena. Waits. */
enum pg_answer pg_row(struct request *rq, const struct statement *statement, const void *params, void *row);

/* The same with all rows. Waits. */
enum pg_answer pg_rows(struct request *rq, const struct statement *statement, const void *params,
                       struct rows *rows);

/*
 * A transaction of one request: what pg_row and pg_rows run until its end runs inside it. pg_begin is false
 * when it could not be had, 503 being the reply. pg_commit is false when nothing of it is there, 503 being
 * the reply. A statement that fails inside ends the transaction. pg_rollback never fails. They wait.
 */
bool pg_begin(struct request *rq);
bool pg_commit(struct request *rq);
void pg_rollback(struct request *rq);

/* Opens the lanes of a worker (nothing waits for the database to be there); false when memory is exhausted.
 */
bool pg_open(struct worker *worker);
void pg_close(struct worker *worker);

/* Sends what the turn has gathered; called by the loop at the end of a turn. */
void pg_flush(struct worker *worker);

/* Takes in what has come for writes on their way, and sends them on; nothing where there is no database. */
void pg_poll(struct worker *worker);

/* Whether a connection is up and the schema is the one of this daemon. */
bool pg_ready(const struct worker *worker);

/* The library's version, for the documentation of a start: 150020. */
int pg_library_version(void);

#endif
