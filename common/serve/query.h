/*
 * PostgreSQL for handlers: statements that a request runs, each by itself or several in one transaction.
 *
 * Handlers run in fibers: each function here may wait, but not beyond the request's deadline.
 */
#ifndef COMMON_SERVE_QUERY_H
#define COMMON_SERVE_QUERY_H

#include <stdbool.h>

#include "common/pg/statement.h"
#include "common/shape/shape.h"
#include "common/table/api.h"

struct call;
struct request;

enum query_result {
    QUERY_ROW,      /* there is at least one row */
    QUERY_NONE,     /* the statement ran and returned no row */
    QUERY_CONFLICT, /* a constraint refused a STATEMENT_CHANGE; nothing was changed */
    QUERY_REPLIED,  /* it could not be run: the request has its reply, 503 */
};

/* Runs a statement; on QUERY_ROW `*row` is its first row. Texts live in the request's arena. Waits. */
enum query_result query_row(struct request *rq, const struct statement *statement, const void *params,
                            void *row);

/*
 * The first row of a statement, which must be there. False: the reply is 404 with the detail `missing`, or
 * what query_row has replied. Waits.
 */
bool query_found(struct request *rq, const struct statement *statement, const void *params, void *row,
                 const char *missing) MUST_CHECK;

/*
 * Runs a statement and replies with its first row, which it puts into `*row`, as `shape`; with 404 and
 * `missing` if there is none. For statements that no constraint can refuse. Waits.
 */
enum reply query_reply(struct request *rq, const struct statement *statement, const void *params, void *row,
                       const struct shape *shape, const char *missing);

/* All rows of a statement, as query_row has the first one. Waits. */
enum query_result query_rows(struct request *rq, const struct statement *statement, const void *params,
                             struct rows *rows);

/*
 * Runs a call whose statement, parameters and bounds its caller has set, into the request's arena unless it
 * has one of its own. Waits.
 */
enum query_result query_call(struct request *rq, struct call *call);

/*
 * A transaction of one request: everything that query_row and query_rows run until its end is part of it.
 * query_begin is false if there is no connection for it, and query_commit if it was not committed; the reply
 * is 503 then. A statement that fails inside ends the transaction. query_rollback never fails. They wait.
 */
bool query_begin(struct request *rq);
bool query_commit(struct request *rq);
void query_rollback(struct request *rq);

#endif
