/*
 * Statements: declared once, with the names, types and places of what goes in and what comes out.
 */
#ifndef COMMON_PG_STATEMENT_H
#define COMMON_PG_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/text.h"
#include "common/shape/shape.h"

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

#define STATEMENT_KINDS 4 /* there is a lane of connections for each */

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

#endif
