/*
 * What the tests of the lanes write and read: marks, each with a token that a test looks for, and slots,
 * whose rows are changed and locked.
 */
#ifndef TESTS_MARKS_H
#define TESTS_MARKS_H

#include "tests/unit/support/stand.h"

extern const char marks_schema[];

/* Opens the lanes with their tables, and waits until the database is there. */
void marks_open(void);

struct mark {
    struct text token;
    int64_t number;
};

/* A row of each answer: the transaction, or a number. */
struct number {
    int64_t n;
};

extern const struct statement append_mark;  /* a set; answers the transaction */
extern const struct statement append_ratio; /* fails where the number is 0; answers the transaction */
extern const struct statement insert_mark;  /* STATEMENT_CHANGE; answers the transaction */
extern const struct statement insert_slot;  /* STATEMENT_CHANGE; conflicts where the number is there */
extern const struct statement change_slot;  /* STATEMENT_CHANGE; waits for the row of the number */
extern const struct statement touch_slot;   /* the same as STATEMENT_APPEND, with a mark */
extern const struct statement read_series;  /* a set; as many rows as the number says, from 1 */
extern const struct statement read_pid;     /* of the backend */
extern const struct statement read_slot;    /* the number, where there is such a slot */
extern const struct statement report_pid;   /* of the backend, in the lane of reports */
extern const struct statement read_slowly;  /* sleeps for the number's milliseconds */

/* Runs a job's statement with its token and number, once. */
void run_statement(struct job *job);

/* A job of a statement. */
struct job job_of(const struct statement *statement, const char *token, int64_t number);

/* How often a mark with the token is there. */
long marks_of(const char *token);

#endif
