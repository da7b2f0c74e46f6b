/*
 * Statements: declared once, with the names, types and places of their parameters and columns.
 *
 * The text of a statement is in the .sql file beside the resource, under its name; the build turns it into a
 * constant (tools/sql):
 *
 *     STATEMENT(list_attempts, REPORT, PARAMS(struct user_path, user_id),
 *               ROW(struct attempt, user_id, lab_type, id, lab_name));
 *
 * Every declared statement is in the list from statements_begin to statements_end, which the linker collects:
 * a statement could be missing from a list written by hand, and would then be checked by no test.
 */
#ifndef COMMON_PG_STATEMENT_H
#define COMMON_PG_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/declare.h"
#include "common/base/text.h"
#include "common/shape/shape.h"

/* How a value is sent; in structs it is stored as shape.h says, with a value for null. */
enum column_type {
    COLUMN_TEXT,  /* struct text; text, varchar */
    COLUMN_JSON,  /* struct kept_json; json */
    COLUMN_INT,   /* int64_t; parameters are bigint, results any integer */
    COLUMN_BOOL,  /* int8_t */
    COLUMN_FLOAT, /* double; double precision */
    COLUMN_TIME,  /* struct moment; timestamp or timestamptz, parameters timestamptz */
    COLUMN_TEXTS, /* struct texts; text[], varchar[]; in a set statement an array literal in a text */
    COLUMN_TIMES, /* struct moments, of parameters only, not of a set statement; timestamptz[] */
};

struct column {
    enum column_type type;
    size_t at;        /* offsetof in the struct of parameters or of a row */
    const char *name; /* of the member; a row's column has the same name */
};

enum statement_kind {
    STATEMENT_READ,   /* short; may be run again */
    STATEMENT_REPORT, /* long, on a connection of its own, perhaps to a replica that lags: it writes nothing
                       */
    STATEMENT_APPEND, /* an insert that never waits for others: batched with them in one transaction */
    STATEMENT_CHANGE, /* may wait for a row's lock or violate a constraint: a transaction of its own */
    STATEMENT_INGEST, /* writes many items at once, in a transaction of its own that no other statement waits
                         for */
    STATEMENT_EXPORT, /* reads with a cursor, in a transaction that ends with its connection */
};

#define STATEMENT_KINDS 6 /* each has a lane of connections */

/* Whether what runs changes the database. */
static inline bool kind_writes(enum statement_kind kind)
{
    return kind >= STATEMENT_APPEND && kind <= STATEMENT_INGEST;
}

/* Whether it is used so rarely that its connections are opened only when they are needed. */
static inline bool kind_is_rare(enum statement_kind kind)
{
    return kind == STATEMENT_INGEST || kind == STATEMENT_EXPORT;
}

/* The parameters of a statement of rows: structs, one for each element of the arrays. */
struct param_rows {
    const void *const *rows;
    size_t count;
};

struct statement {
    const char *name; /* of the prepared statement, in logs and metrics */
    const char *sql;
    enum statement_kind kind;
    /*
     * A set statement takes an array for each parameter, whose element i belongs to call i, and answers rows
     * whose first column is that i (from 1): the calls of a batch are one execution.
     */
    bool set;
    /* Of one call with a struct param_rows: an array for each parameter, as of a set, and rows of any number.
     */
    bool of_rows;
    /* Planned each time for its parameters: conditions that a null takes away are gone before it is planned.
     */
    bool planned_anew;
    /*
     * Rows may be large: they are taken from the connection one at a time, which costs a microsecond each,
     * and never all held by libpq. Reports are always read so.
     */
    bool large;
    const struct column *params;
    size_t param_count;
    const struct column *row; /* of a set statement without the leading ordinal */
    size_t column_count;
    size_t row_size;
};

/* The column of a member: its type follows from the member's; other types do not compile. */
/* clang-format off */
#define COLUMN(of, member)                                                                                   \
    {                                                                                                        \
        .type = _Generic(((of *)0)->member,                                                                  \
                         struct text: COLUMN_TEXT,                                                           \
                         struct kept_json: COLUMN_JSON,                                                      \
                         int64_t: COLUMN_INT,                                                                \
                         int8_t: COLUMN_BOOL,                                                                \
                         double: COLUMN_FLOAT,                                                               \
                         struct moment: COLUMN_TIME,                                                         \
                         struct texts: COLUMN_TEXTS,                                                         \
                         struct moments: COLUMN_TIMES),                                                      \
        .at = offsetof(of, member), .name = #member                                                          \
    }
/* clang-format on */
#define COLUMNS(of, ...)                                                                                     \
    (const struct column[])                                                                                  \
    {                                                                                                        \
        EACH_ARGUMENT(COLUMN, of, __VA_ARGS__)                                                               \
    }

/* Parameters and columns, as members of structs. */
#define PARAMS(of, ...) .params = COLUMNS(of, __VA_ARGS__), .param_count = ARGUMENT_COUNT(__VA_ARGS__)
#define ROW(of, ...)                                                                                         \
    .row = COLUMNS(of, __VA_ARGS__), .column_count = ARGUMENT_COUNT(__VA_ARGS__), .row_size = sizeof(of)

/* The name of a statement and the constant with its text (tools/sql). */
#define SQL(label) .name = #label, .sql = sql_##label

/* Declares a statement of a file and adds it to the list. */
#define STATEMENT(label, of_kind, ...)                                                                       \
    static const struct statement label = {SQL(label), .kind = STATEMENT_##of_kind, __VA_ARGS__};            \
    static const struct statement *const label##_known __attribute__((section("statements"), used)) = &label

/* All statements of the program, in any order. */
extern const struct statement *const statements_begin[] __asm__("__start_statements")
    __attribute__((weak, visibility("hidden")));
extern const struct statement *const statements_end[] __asm__("__stop_statements")
    __attribute__((weak, visibility("hidden")));

#endif
