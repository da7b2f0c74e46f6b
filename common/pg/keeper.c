#include "common/pg/keeper.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/base/declare.h"
#include "common/base/log.h"

#define STEP_LINE       "\n-- step: "
#define KEEPER_LOCK     "7205759403792798" /* held by the daemon that runs a database's steps */
#define LOOK_EVERY      200                /* milliseconds, until the first part is there */
#define TRY_AGAIN       2000               /* milliseconds, after a failure */
#define SLICE_EVERY     1000               /* milliseconds, once nothing is left */
#define LOOK_AGAIN      60                 /* slices, then all steps are checked again */
#define CONNECT_TIMEOUT 10000              /* milliseconds */
#define KIND_SIZE       8
#define NAME_SIZE       64
#define STOP_TIMEOUT    5 /* seconds */
#define STACK_SIZE      ((size_t)256 * 1024)

struct step {
    char kind[KIND_SIZE], name[NAME_SIZE];
    const char *sql;
    size_t len;
};

struct keeper {
    struct keeper_task task;
    pthread_t thread;
    int stop; /* an eventfd, readable from keeper_stop on */
    PGconn *guard, *conn;
};

size_t keeper_first_part(const char *schema)
{
    const char *step = strstr(schema, STEP_LINE);

    return step ? (size_t)(step - schema) + 1 : strlen(schema);
}

/* Takes the next word of a line; false if it is empty or does not fit. */
static bool take_word(const char **line, char *word, size_t size)
{
    size_t len = strcspn(*line, " \n");

    if (!len || len >= size)
        return false;
    memcpy(word, *line, len);
    word[len] = '\0';
    *line += len + 1;
    return true;
}

/* Finds the next step at or after `*at`, and moves `*at` behind its first line; false if there is none. */
static bool next_step(const char **at, struct step *step)
{
    const char *line = strstr(*at, STEP_LINE);
    const char *sql = line ? strchr(line + 1, '\n') : NULL;

    if (!sql)
        return false;
    line += strlen(STEP_LINE);
    if (!take_word(&line, step->kind, sizeof(step->kind)) ||
        !take_word(&line, step->name, sizeof(step->name)))
        return false;
    const char *end = strstr(sql, STEP_LINE);
    step->sql = sql;
    step->len = end ? (size_t)(end - sql) : strlen(sql);
    *at = sql;
    return true;
}

static size_t count_steps(const char *schema)
{
    struct step step;
    size_t count = 0;

    while (next_step(&schema, &step))
        count++;
    return count;
}

/* Waits until the socket is ready, at most so many milliseconds (-1: for ever); false: the daemon stops. */
static bool rest(const struct keeper *keeper, int fd, short events, int milliseconds)
{
    struct pollfd fds[] = {{.fd = keeper->stop, .events = POLLIN}, {.fd = fd, .events = events}};

    while (poll(fds, COUNT(fds), milliseconds) < 0 && errno == EINTR)
        ;
    return !fds[0].revents;
}

static bool stopping(const struct keeper *keeper)
{
    return !rest(keeper, -1, 0, 0);
}

static void drop_connections(struct keeper *keeper)
{
    PQfinish(keeper->guard);
    PQfinish(keeper->conn);
    keeper->guard = keeper->conn = NULL;
}

static void ignore_notice(void *unused, const PGresult *result)
{
    (void)unused;
    (void)result;
}

/* A connection to a server that can be written to; NULL if there is none or the daemon stops. */
static PGconn *connect_to(const struct keeper *keeper)
{
    static const char *const keywords[] = {"dbname", "fallback_application_name", "client_encoding",
                                           "target_session_attrs", NULL};
    bool any = strstr(keeper->task.url, "target_session_attrs");
    const char *const values[] = {keeper->task.url, keeper->task.name, "UTF8", any ? NULL : "read-write",
                                  NULL};
    PGconn *conn = PQconnectStartParams(keywords, values, 1);
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;

    while (conn && status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
        short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        struct pollfd fds[] = {{.fd = keeper->stop, .events = POLLIN},
                               {.fd = PQsocket(conn), .events = events}};
        if (fds[1].fd < 0 || poll(fds, COUNT(fds), CONNECT_TIMEOUT) <= 0 || fds[0].revents)
            break;
        status = PQconnectPoll(conn);
    }
    if (status != PGRES_POLLING_OK) {
        PQfinish(conn);
        return NULL;
    }
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

/*
 * Runs statements; false if one failed, which is logged unless it only waited for a lock, or if the daemon
 * stops, which cancels them. `answer` (may be NULL) becomes the first value of the last row as a number, `t`
 * being 1; it is not changed if there was no row.
 */
static bool run(const struct keeper *keeper, PGconn *conn, const char *what, const char *sql, long *answer)
{
    bool good = PQsendQuery(conn, sql) == 1, cancelled = false;
    PGresult *result;

    for (;;) {
        while (PQisBusy(conn) && PQstatus(conn) == CONNECTION_OK) {
            if (cancelled ? poll(&(struct pollfd){.fd = PQsocket(conn), .events = POLLIN}, 1, TRY_AGAIN) <= 0
                          : !rest(keeper, PQsocket(conn), POLLIN, -1)) {
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
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        if (status == PGRES_TUPLES_OK && answer && PQntuples(result) == 1 && PQnfields(result) == 1) {
            const char *value = PQgetvalue(result, 0, 0);
            *answer = *value == 't' ? 1 : strtol(value, NULL, 10);
        } else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
            bool locked = state && strcmp(state, "55P03") == 0;
            const char *reason = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
            good = false;
            if (!cancelled)
                log_line(locked ? LOG_INFO : LOG_WARNING,
                         locked ? "a step waits for a lock" : "a step failed", "step", what, "sqlstate",
                         state ? state : "08006", "reason", reason ? reason : "connection lost", NULL);
        }
        PQclear(result);
    }
    return good && !cancelled && PQstatus(conn) == CONNECTION_OK;
}

/* The same in a transaction, which is rolled back if a statement fails. */
static bool run_transaction(const struct keeper *keeper, PGconn *conn, const struct step *step, long *answer)
{
    char *sql = NULL;
    bool good = asprintf(&sql,
                         "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0;"
                         " SET LOCAL client_min_messages = error;"
                         " SET LOCAL lock_timeout = %s; %.*s; COMMIT",
                         strcmp(step->kind, "lock") == 0 ? "500" : "0", (int)step->len, step->sql) >= 0 &&
                run(keeper, conn, step->name, sql, answer);

    free(sql);
    if (!good && PQtransactionStatus(conn) != PQTRANS_IDLE)
        run(keeper, conn, "rollback", "ROLLBACK", NULL);
    return good;
}

/*
 * The state of an index: 0 it does not exist, 1 it is invalid, 2 it is being built, 3 it is valid; -1
 * unknown.
 */
static long index_state(const struct keeper *keeper, const struct step *step)
{
    char sql[512];
    long state = -1;

    snprintf(sql, sizeof(sql),
             "SELECT coalesce((SELECT CASE WHEN i.indisvalid THEN 3 WHEN EXISTS (SELECT"
             " FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid) THEN 2 ELSE 1 END"
             " FROM pg_index i WHERE i.indexrelid = to_regclass('%s')), 0)",
             step->name);
    return run(keeper, keeper->conn, step->name, sql, &state) ? state : -1;
}

static bool make_index(const struct keeper *keeper, const struct step *step)
{
    char drop[NAME_SIZE + 64];
    long state = index_state(keeper, step);
    char *sql = NULL;

    if (state < 0 || state >= 2)
        return state == 3;
    snprintf(drop, sizeof(drop), "DROP INDEX CONCURRENTLY IF EXISTS %s", step->name);
    if (state == 1 && !run(keeper, keeper->conn, step->name, drop, NULL))
        return false;
    bool good = asprintf(&sql, "%.*s", (int)step->len, step->sql) >= 0 &&
                run(keeper, keeper->conn, step->name, sql, NULL);
    free(sql);
    return good && index_state(keeper, step) == 3;
}

/*
 * Takes the lock that lets one daemon at a time run the steps. It is polled instead of waited for: a waiting
 * session holds a snapshot, which the other daemon's index would wait for in turn.
 */
static bool take_lock(const struct keeper *keeper)
{
    long locked = 0;

    while (run(keeper, keeper->guard, "lock",
               "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;"
               " SELECT pg_try_advisory_xact_lock(" KEEPER_LOCK ")",
               &locked) &&
           !locked)
        if (!run(keeper, keeper->guard, "lock", "ROLLBACK", NULL) || !rest(keeper, -1, 0, TRY_AGAIN))
            return false;
    return locked;
}

static bool take_connections(struct keeper *keeper)
{
    keeper->guard = connect_to(keeper);
    keeper->conn = keeper->guard ? connect_to(keeper) : NULL;
    return keeper->conn &&
           (!keeper->task.session_settings ||
            run(keeper, keeper->conn, "settings", "SET statement_timeout = 0; SET lock_timeout = 0", NULL));
}

/* Does all steps except slices; false: not all of them are done. */
static bool do_steps(struct keeper *keeper)
{
    const char *at = keeper->task.schema;
    size_t left = count_steps(at);
    struct step step;

    while (next_step(&at, &step)) {
        if (metric_read(keeper->task.waiting)) /* not if all was done before */
            metric_set(keeper->task.waiting, left);
        if (strcmp(step.kind, "slice") == 0)
            continue;
        bool done = run(keeper, keeper->guard, "lock", "SELECT 1", NULL) &&
                    (strcmp(step.kind, "index") == 0 ? make_index(keeper, &step)
                                                     : run_transaction(keeper, keeper->conn, &step, NULL));
        if (!done) {
            metric_set(keeper->task.waiting, left);
            return false;
        }
        left--;
    }
    return true;
}

/* Does slices until none is left; false if one failed. `*any`: whether the schema has slices at all. */
static bool do_slices(struct keeper *keeper, bool *any)
{
    const char *at = keeper->task.schema;
    struct step step;

    *any = false;
    while (next_step(&at, &step)) {
        if (strcmp(step.kind, "slice") != 0)
            continue;
        long left = 1;
        *any = true;
        while (left > 0) {
            if (!run_transaction(keeper, keeper->conn, &step, &left) || stopping(keeper))
                return false;
            metric_set(keeper->task.waiting, left > 0);
        }
    }
    return true;
}

/*
 * Does the steps, then slices for a while; then the steps are checked again, in case tables were dropped.
 * True: nothing is left to do.
 */
static bool keep(struct keeper *keeper)
{
    bool any = false;

    if (!take_connections(keeper) || !take_lock(keeper) || !do_steps(keeper))
        return false;
    PQfinish(keeper->guard);
    keeper->guard = NULL;
    for (int i = 0; i < LOOK_AGAIN && do_slices(keeper, &any); i++) {
        if (!any)
            return true;
        if (!rest(keeper, -1, 0, SLICE_EVERY))
            break;
    }
    return false;
}

static void *keeper_run(void *arg)
{
    struct keeper *keeper = arg;

    while (!stopping(keeper)) {
        bool ready = keeper->task.ready();
        bool finished = ready && keep(keeper);
        drop_connections(keeper);
        if (finished)
            metric_set(keeper->task.waiting, 0);
        if (finished || !rest(keeper, -1, 0, ready ? TRY_AGAIN : LOOK_EVERY))
            break;
    }
    return NULL;
}

struct keeper *keeper_start(const struct keeper_task *task)
{
    size_t steps = count_steps(task->schema);
    struct keeper *keeper = steps ? calloc(1, sizeof(*keeper)) : NULL;
    pthread_attr_t attributes;

    if (!steps)
        return NULL;
    if (keeper) {
        keeper->task = *task;
        metric_set(task->waiting, steps);
        keeper->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        bool started = keeper->stop >= 0 && pthread_attr_init(&attributes) == 0 &&
                       pthread_attr_setstacksize(&attributes, STACK_SIZE) == 0 &&
                       pthread_create(&keeper->thread, &attributes, keeper_run, keeper) == 0;
        pthread_attr_destroy(&attributes);
        if (started)
            return keeper;
        if (keeper->stop >= 0)
            close(keeper->stop);
        free(keeper);
    }
    log_line(LOG_ERROR, "the schema's steps cannot be run", "reason", "no memory or thread", NULL);
    return NULL;
}

void keeper_stop(struct keeper *keeper)
{
    struct timespec end;

    if (!keeper)
        return;
    while (write(keeper->stop, &(uint64_t){1}, sizeof(uint64_t)) < 0 && errno == EINTR)
        ;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += STOP_TIMEOUT;
    if (pthread_timedjoin_np(keeper->thread, NULL, &end) != 0) {
        pthread_detach(
            keeper->thread); /* libpq would wait for a server that does not accept the cancellation */
        return;
    }
    close(keeper->stop);
    free(keeper);
}
