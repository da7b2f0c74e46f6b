/*
 * PostgreSQL for handlers: statements that a request runs, each by itself or several in one transaction.
 *
 * Handlers run in fibers: each function here waits and comes back before the request's deadline.
 */
#ifndef COMMON_SERVE_QUERY_H
#define COMMON_SERVE_QUERY_H

#include <stdbool.h>

#include "common/pg/statement.h"
#include "common/shape/shape.h"

struct request;

enum query_result {
    QUERY_ROW,      /* at least one row is there */
    QUERY_NONE,     /* the statement ran and answered no row */
    QUERY_CONFLICT, /* a constraint refused a STATEMENT_CHANGE; nothing was changed */
    QUERY_REPLIED,  /* it could not be run: 503 is the reply already */
};

/* Runs a statement; on QUERY_ROW `*row` is its first row. Texts live in the request's arena. Waits. */
enum query_result query_row(struct request *rq, const struct statement *statement, const void *params,
                            void *row);

/* The same with all rows. Waits. */
enum query_result query_rows(struct request *rq, const struct statement *statement, const void *params,
                             struct rows *rows);

/*
 * A transaction of one request: what query_row and query_rows run until its end runs inside it. query_begin
 * is false when it could not be had, 503 being the reply. query_commit is false when nothing of it is there,
 * 503 being the reply. A statement that fails inside ends the transaction. query_rollback never fails. They
 * wait.
 */
bool query_begin(struct request *rq);
bool query_commit(struct request *rq);
void query_rollback(struct request *rq);

#endif
