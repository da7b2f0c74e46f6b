#include "common/pg/steps.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/log.h"
#include "common/pg/connect.h"
#include "common/pg/hosts.h"
#include "common/pg/script.h"

#define STEPS_LOCK      "7205759403792798" /* held by the process that runs a database's steps */
#define CONNECT_TIMEOUT 10000              /* milliseconds */

/* Waits until the socket is ready, at most so many milliseconds (-1: for ever); false: everything shall end.
 */
static bool rest(const struct steps *steps, int fd, short events, int milliseconds)
{
    struct pollfd fds[] = {{.fd = steps->stop, .events = POLLIN}, {.fd = fd, .events = events}};

    while (poll(fds, COUNT(fds), milliseconds) < 0 && errno == EINTR)
        ;
    return !fds[0].revents;
}

bool steps_rest(const struct steps *steps, int milliseconds)
{
    return rest(steps, -1, 0, milliseconds);
}

static void drop(PGconn **conn)
{
    PQfinish(*conn);
    *conn = NULL;
}

void steps_end(struct steps *steps)
{
    drop(&steps->guard);
    drop(&steps->conn);
}

static void ignore_notice(void *unused, const PGresult *result)
{
    (void)unused;
    (void)result;
}

static PGconn *start_to_connect(const struct steps *steps, struct arena *memory)
{
    struct hosts hosts;
    struct host_lists lists;

    if (!hosts_read(&hosts, memory, steps->url) || !hosts_list(&hosts, memory, steps->turn, &lists))
        return NULL;
    return connect_begin(steps->url, &lists, steps->name, false);
}

/* The next attempt begins with another host: libpq itself goes on to it only if the first refuses. */
static void miss_server(struct steps *steps, const char *reason)
{
    log_line(steps->away ? LOG_DEBUG : LOG_WARNING, "cannot connect to the database for the schema's steps",
             "reason", reason, NULL);
    steps->turn++;
    steps->away++;
}

/* A connection to a server that can be written to; NULL if there is none or everything shall end. */
static PGconn *connect_to(struct steps *steps)
{
    struct arena memory = {0};
    PGconn *conn = start_to_connect(steps, &memory);
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    bool silent = false;

    arena_free(&memory);
    while (conn && status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
        short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        struct pollfd fds[] = {{.fd = steps->stop, .events = POLLIN},
                               {.fd = PQsocket(conn), .events = events}};
        silent = fds[1].fd >= 0 && poll(fds, COUNT(fds), CONNECT_TIMEOUT) <= 0;
        if (fds[1].fd < 0 || silent || fds[0].revents)
            break;
        status = PQconnectPoll(conn);
    }
    if (status != PGRES_POLLING_OK) {
        if (steps_rest(steps, 0))
            miss_server(steps, silent ? "no answer" : conn ? PQerrorMessage(conn) : "no memory");
        PQfinish(conn);
        return NULL;
    }
    steps->away = 0;
    PQsetNoticeReceiver(conn, ignore_notice, NULL);
    return conn;
}

static void cancel(PGconn *conn)
{
    char reason[256];
    PGcancel *handle = PQgetCancel(conn);

    if (handle && !PQcancel(handle, reason, sizeof(reason)))
        log_line(LOG_DEBUG, "cannot cancel", "reason", reason, NULL);
    PQfreeCancel(handle);
}

/* Logs why a step failed; that the role may not do it only once, since only its owner can change that. */
static void complain(struct steps *steps, const char *what, const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *reason = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    bool locked = state && strcmp(state, "55P03") == 0;
    bool forbidden = state && strcmp(state, "42501") == 0;

    steps->failed = !locked && !forbidden;
    if (!forbidden || !steps->told)
        log_line(steps->failed ? LOG_WARNING : LOG_INFO,
                 locked      ? "a step waits for a lock"
                 : forbidden ? "a step waits for the owner of the schema"
                             : "a step failed",
                 "step", what, "sqlstate", state ? state : "08006", "reason",
                 reason ? reason : "connection lost", NULL);
    steps->told = steps->told || forbidden;
}

/*
 * Runs statements; false if one failed, which is logged unless it only waited for a lock, or if everything
 * shall end, which cancels them. `answer` (may be NULL) becomes the first value of the last row as a number,
 * `t` being 1; it is not changed if there was no row.
 */
static bool run(struct steps *steps, PGconn *conn, const char *what, const char *sql, long *answer)
{
    bool good = PQsendQuery(conn, sql) == 1, cancelled = false;
    PGresult *result;

    for (;;) {
        while (PQisBusy(conn) && PQstatus(conn) == CONNECTION_OK) {
            if (cancelled
                    ? poll(&(struct pollfd){.fd = PQsocket(conn), .events = POLLIN}, 1, STEPS_TRY_AGAIN) <= 0
                    : !rest(steps, PQsocket(conn), POLLIN, -1)) {
                if (cancelled)
                    return false;
                cancel(conn);
                cancelled = true;
            } else if (!PQconsumeInput(conn)) {
                break;
            }
        }
        result = PQgetResult(conn);
        if (!result)
            break;
        ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_TUPLES_OK && answer && PQntuples(result) == 1 && PQnfields(result) == 1) {
            const char *value = PQgetvalue(result, 0, 0);
            *answer = *value == 't' ? 1 : strtol(value, NULL, 10);
        } else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
            good = false;
            if (!cancelled)
                complain(steps, what, result);
        }
        PQclear(result);
    }
    return good && !cancelled && PQstatus(conn) == CONNECTION_OK;
}

/* The same in a transaction, which is rolled back if a statement fails. */
static bool run_transaction(struct steps *steps, PGconn *conn, const struct step *step, long *answer)
{
    char *sql = NULL;
    bool good = asprintf(&sql,
                         "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0;"
                         " SET LOCAL client_min_messages = error;"
                         " SET LOCAL lock_timeout = %s; %.*s\n; COMMIT", /* the text may end with a comment */
                         strcmp(step->kind, "lock") == 0 ? "500" : "0", (int)step->len, step->sql) >= 0 &&
                run(steps, conn, step->name, sql, answer);

    free(sql);
    if (!good && PQtransactionStatus(conn) != PQTRANS_IDLE)
        run(steps, conn, "rollback", "ROLLBACK", NULL);
    return good;
}

/*
 * The state of an index: 0 it does not exist, 1 it is invalid, 2 it is being built, 3 it is valid; -1
 * unknown.
 */
static long index_state(struct steps *steps, const struct step *step)
{
    char sql[512];
    long state = -1;

    snprintf(sql, sizeof(sql),
             "SELECT coalesce((SELECT CASE WHEN i.indisvalid THEN 3 WHEN EXISTS (SELECT"
             " FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid) THEN 2 ELSE 1 END"
             " FROM pg_index i WHERE i.indexrelid = to_regclass('%s')), 0)",
             step->name);
    return run(steps, steps->conn, step->name, sql, &state) ? state : -1;
}

static bool make_index(struct steps *steps, const struct step *step)
{
    char drop[STEP_NAME_SIZE + 64];
    long state = index_state(steps, step);
    char *sql = NULL;

    if (state < 0 || state >= 2)
        return state == 3;
    snprintf(drop, sizeof(drop), "DROP INDEX CONCURRENTLY IF EXISTS %s", step->name);
    if (state == 1 && !run(steps, steps->conn, step->name, drop, NULL))
        return false;
    bool good = asprintf(&sql, "%.*s", (int)step->len, step->sql) >= 0 &&
                run(steps, steps->conn, step->name, sql, NULL);
    free(sql);
    return good && index_state(steps, step) == 3;
}

/*
 * Takes the lock that lets one process at a time run the steps. It is polled instead of waited for: a waiting
 * session holds a snapshot, which the other one's index would wait for in turn.
 */
static bool take_lock(struct steps *steps)
{
    long locked = 0;

    while (run(steps, steps->guard, "lock",
               "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;"
               " SELECT pg_try_advisory_xact_lock(" STEPS_LOCK ")",
               &locked) &&
           !locked)
        if (!run(steps, steps->guard, "lock", "ROLLBACK", NULL) || !rest(steps, -1, 0, STEPS_TRY_AGAIN))
            return false;
    return locked;
}

static bool take_connections(struct steps *steps)
{
    steps->guard = connect_to(steps);
    steps->conn = steps->guard ? connect_to(steps) : NULL;
    return steps->conn &&
           (!steps->session_settings ||
            run(steps, steps->conn, "settings", "SET statement_timeout = 0; SET lock_timeout = 0", NULL));
}

/* Does all steps except slices; false: not all of them are done, missing indexes aside. */
static bool do_steps(struct steps *steps)
{
    const char *at = steps->schema;
    size_t left = script_count_steps(at);
    struct step step;

    bool count_down = metric_read(steps->waiting) > steps->missing; /* not if all else was done before */
    steps->missing = 0;
    while (script_next_step(&at, &step)) {
        bool index = strcmp(step.kind, "index") == 0;
        steps->failed = false;
        if (count_down)
            metric_set(steps->waiting, left);
        if (strcmp(step.kind, "slice") == 0)
            continue;
        bool locked = run(steps, steps->guard, "lock", "SELECT 1", NULL);
        bool done =
            locked && (index ? make_index(steps, &step) : run_transaction(steps, steps->conn, &step, NULL));
        if (locked && !done && index && steps->failed && PQstatus(steps->conn) == CONNECTION_OK) {
            steps->missing++;
            continue;
        }
        if (!done) {
            metric_set(steps->waiting, left);
            return false;
        }
        left--;
    }
    return true;
}

bool steps_run(struct steps *steps)
{
    if (!take_connections(steps) || !take_lock(steps) || !do_steps(steps))
        return false;
    drop(&steps->guard);
    return true;
}

bool steps_run_slices(struct steps *steps, bool *any)
{
    const char *at = steps->schema;
    struct step step;

    *any = false;
    while (script_next_step(&at, &step)) {
        if (strcmp(step.kind, "slice") != 0)
            continue;
        long left = 1;
        *any = true;
        while (left > 0) {
            if (!run_transaction(steps, steps->conn, &step, &left) || !steps_rest(steps, 0))
                return false;
            metric_set(steps->waiting, steps->missing + (left > 0));
        }
    }
    return true;
}
