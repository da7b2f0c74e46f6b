#include "tests/unit/support/marks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/database.h"

const char marks_schema[] = "CREATE TABLE IF NOT EXISTS marks (token text);"
                            "CREATE TABLE IF NOT EXISTS slots (id bigint PRIMARY KEY, value text);"
                            "CREATE INDEX IF NOT EXISTS ix_marks_token ON marks (token);";

#define TRANSACTION "txid_current()::bigint"

static const struct column params[] = {COLUMN(struct mark, token), COLUMN(struct mark, number)};
static const struct column number_row[] = {COLUMN(struct number, n)};

#define TAKES_MARK   .params = params, .param_count = 2
#define GIVES_NUMBER .row = number_row, .column_count = 1, .row_size = sizeof(struct number)

const struct statement append_mark = {
    .name = "append_mark",
    .sql = "WITH asked AS (SELECT * FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS a (token, "
           "number, n)),"
           " made AS (INSERT INTO marks (token) SELECT token FROM asked RETURNING token)"
           " SELECT a.n, " TRANSACTION " FROM made JOIN asked a USING (token)",
    .kind = STATEMENT_APPEND,
    .set = true,
    TAKES_MARK,
    GIVES_NUMBER,
};

const struct statement append_ratio = {
    .name = "append_ratio",
    .sql = "INSERT INTO marks (token) SELECT $1 WHERE 1 / $2 IS NOT NULL RETURNING " TRANSACTION,
    .kind = STATEMENT_APPEND,
    TAKES_MARK,
    GIVES_NUMBER,
};

const struct statement insert_mark = {
    .name = "insert_mark",
    .sql = "INSERT INTO marks (token) SELECT $1 WHERE $2 = $2 RETURNING " TRANSACTION,
    .kind = STATEMENT_CHANGE,
    TAKES_MARK,
    GIVES_NUMBER,
};

const struct statement insert_slot = {
    .name = "insert_slot",
    .sql = "INSERT INTO slots (value, id) VALUES ($1, $2) RETURNING id",
    .kind = STATEMENT_CHANGE,
    TAKES_MARK,
    GIVES_NUMBER,
};

const struct statement change_slot = {
    .name = "change_slot",
    .sql = "UPDATE slots SET value = $1 WHERE id = $2 RETURNING id",
    .kind = STATEMENT_CHANGE,
    TAKES_MARK,
    GIVES_NUMBER,
};

const struct statement touch_slot = {
    .name = "touch_slot",
    .sql = "WITH made AS (INSERT INTO marks (token) VALUES ($1))"
           " UPDATE slots SET value = $1 WHERE id = $2 RETURNING id",
    .kind = STATEMENT_APPEND,
    TAKES_MARK,
    GIVES_NUMBER,
};

const struct statement read_series = {
    .name = "read_series",
    .sql = "SELECT a.n, s FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS a (token, number, n),"
           " generate_series(1, a.number) AS s ORDER BY s, a.n DESC",
    .kind = STATEMENT_READ,
    .set = true,
    TAKES_MARK,
    GIVES_NUMBER,
};

const struct statement read_pid = {
    .name = "read_pid",
    .sql = "SELECT pg_backend_pid() WHERE $1::text IS NULL OR $2 = $2",
    .kind = STATEMENT_READ,
    TAKES_MARK,
    GIVES_NUMBER,
};

const struct statement read_slot = {
    .name = "read_slot",
    .sql = "SELECT id FROM slots WHERE id = $2 AND $1 IS NOT NULL",
    .kind = STATEMENT_READ,
    TAKES_MARK,
    GIVES_NUMBER,
};

const struct statement report_pid = {
    .name = "report_pid",
    .sql = "SELECT pg_backend_pid() WHERE $1::text IS NULL OR $2 = $2",
    .kind = STATEMENT_REPORT,
    TAKES_MARK,
    GIVES_NUMBER,
};

const struct statement read_slowly = {
    .name = "read_slowly",
    .sql = "SELECT count(*) FROM (SELECT pg_sleep($2 / 1000.0) WHERE $1::text IS NOT NULL) AS slept",
    .kind = STATEMENT_READ,
    TAKES_MARK,
    GIVES_NUMBER,
};

void run_statement(struct job *job)
{
    struct mark mark = {text_of(job->token), job->number};

    job->answer = query_rows(&job->rq, job->statement, &mark, &job->rows);
}

struct job job_of(const struct statement *statement, const char *token, int64_t number)
{
    return (struct job){.run = run_statement, .statement = statement, .token = token, .number = number};
}

long marks_of(const char *token)
{
    return sql_number("SELECT count(*) FROM marks WHERE token = '%s'", token);
}

void marks_open(void)
{
    stand_open(marks_schema);
    stand_await(pg_ready(stand_worker.pg));
}
