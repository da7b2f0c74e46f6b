#include "common/pg/link.h"

#include <endian.h>
#include <libpq-fe.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "common/base/declare.h"
#include "common/base/log.h"
#include "common/pg/encode.h"
#include "common/pg/keeper.h"
#include "common/serve/settings.h"
#include "common/table/api.h"

#define POSTGRES_EPOCH  946684800000000 /* microseconds from 1970 to 2000 */
#define PARAMS_MAX      16
#define SCHEMA_LOCK     "7205759403792795" /* of the advisory lock that daemons share while they make tables */
#define NAME_SIZE       64
#define COMPLAINT_PAUSE (5 * SECOND) /* between two warnings of this process that the database is away */
#define HOST_LISTS      3            /* settings of libpq that list an item a host */

extern const char pg_schema_sql[]; /* common/pg/schema.sql */

static _Atomic bool schema_is_ready;

bool link_schema_ready(void)
{
    return schema_is_ready;
}

void link_schema_doubt(void)
{
    schema_is_ready = false;
}

void link_complain(const struct link *link, const char *reason)
{
    static _Atomic int64_t last;
    int64_t before = last, now = link->loop->now;
    bool first = before == 0 || now - before >= COMPLAINT_PAUSE;

    /* Who loses the exchange to another worker has just been spoken for. */
    first = first && atomic_compare_exchange_strong(&last, &before, now);
    log_line(first ? LOG_WARNING : LOG_DEBUG, "cannot connect to the database", "reason", reason, NULL);
}

int pg_library_version(void)
{
    return PQlibVersion();
}

static PGconn *conn_of(const struct link *link)
{
    return (PGconn *)link->conn;
}

static void log_server_message(void *unused, const PGresult *result)
{
    (void)unused;
    log_line(LOG_DEBUG, "postgres notice", "sqlstate", PQresultErrorField(result, PG_DIAG_SQLSTATE), NULL);
}

/*
 * Remembers how a statement failed. Whether the server said so: what libpq words itself, without a SQLSTATE,
 * is a lost connection or exhausted memory, and then nobody knows what the server has done.
 */
static bool note_failure(struct link *link, const PGresult *result, const char *what)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    snprintf(link->sqlstate, sizeof(link->sqlstate), "%s", state ? state : "08006");
    log_line(LOG_WARNING, "statement failed", "statement", what, "sqlstate", link->sqlstate, "reason",
             message ? message : "connection lost", NULL);
    return state != NULL;
}

/* Decoding */

/* Microseconds since 1970 of those since 2000; `infinity` and what is near it stay the largest. */
static int64_t time_of(int64_t since_2000)
{
    int64_t since_1970;

    return __builtin_add_overflow(since_2000, POSTGRES_EPOCH, &since_1970) ? INT64_MAX : since_1970;
}

static int64_t integer_at(const PGresult *result, int row, int column)
{
    const char *at = PQgetvalue(result, row, column);
    uint16_t n2;
    uint32_t n4;
    uint64_t n8;

    switch (PQgetlength(result, row, column)) {
    case 2:
        memcpy(&n2, at, sizeof(n2));
        return (int16_t)be16toh(n2);
    case 4:
        memcpy(&n4, at, sizeof(n4));
        return (int32_t)be32toh(n4);
    case 8:
        memcpy(&n8, at, sizeof(n8));
        return (int64_t)be64toh(n8);
    default:
        return INT_NULL;
    }
}

static uint32_t word_at(const char *at)
{
    uint32_t n;

    memcpy(&n, at, sizeof(n));
    return be32toh(n);
}

/* A text array as array_send writes it; an array of another shape, or a null inside, gives what is readable.
 */
static bool texts_at(struct arena *arena, const char *at, size_t len, struct texts *out)
{
    size_t count = len >= 20 && word_at(at) == 1 ? word_at(at + 12) : 0;
    const char *end = at + len;

    out->count = 0;
    if (count > len / 4)
        return false;
    out->items = arena_alloc(arena, (count ? count : 1) * sizeof(*out->items));
    if (!out->items)
        return false;
    at += 20;
    for (size_t i = 0; i < count && end - at >= 4; i++) {
        uint32_t size = word_at(at);
        at += 4;
        if (size == UINT32_MAX) {
            out->items[out->count++] = TEXT_NULL;
            continue;
        }
        if (size > (size_t)(end - at))
            return false;
        struct text item = arena_text(arena, (struct text){at, size});
        if (!item.at)
            return false;
        out->items[out->count++] = item;
        at += size;
    }
    return true;
}

static bool decode_value(struct arena *arena, const PGresult *result, int row, int column,
                         enum column_type type, void *into)
{
    bool null = PQgetisnull(result, row, column);
    const char *at = PQgetvalue(result, row, column);
    size_t len = (size_t)PQgetlength(result, row, column);
    int64_t n;

    switch (type) {
    case COLUMN_TEXT:
    case COLUMN_JSON:
        *(struct text *)into = null ? TEXT_NULL : arena_text(arena, (struct text){at, len});
        return null || ((struct text *)into)->at;
    case COLUMN_INT:
        *(int64_t *)into = null ? INT_NULL : integer_at(result, row, column);
        return true;
    case COLUMN_TIME:
        *(int64_t *)into = null ? INT_NULL : time_of(integer_at(result, row, column));
        return true;
    case COLUMN_BOOL:
        *(int8_t *)into = null ? BOOL_NULL : *at;
        return true;
    case COLUMN_FLOAT:
        n = null ? 0 : integer_at(result, row, column);
        if (null)
            *(double *)into = NAN;
        else
            memcpy(into, &n, sizeof(n));
        return true;
    case COLUMN_TEXTS:
        *(struct texts *)into = (struct texts){NULL, 0};
        return null || texts_at(arena, at, len, into);
    }
    return false;
}

static bool decode_row(struct call *call, const PGresult *result, int row, int first_column)
{
    const struct statement *st = call->statement;

    if (call->first_only && call->count)
        return true;
    if (call->count == call->room) {
        size_t room = call->room ? call->room * 2 : call->first_only ? 1 : 16;
        char *rows = arena_grow(call->arena, call->rows, call->room * st->row_size, room * st->row_size);
        if (!rows)
            return false;
        call->rows = rows;
        call->room = room;
    }
    char *into = call->rows + call->count * st->row_size;
    for (size_t i = 0; i < st->column_count; i++)
        if (!decode_value(call->arena, result, row, first_column + (int)i, st->row[i].type,
                          into + st->row[i].at))
            return false;
    call->count++;
    return true;
}

static void decode(const struct execution *execution, const PGresult *result)
{
    int rows = PQntuples(result);
    bool set = execution->statement->set;
    int expected = (int)execution->statement->column_count + (set ? 1 : 0);

    if (rows && PQnfields(result) != expected) {
        log_line(LOG_ERROR, "statement answers other columns than declared", "statement",
                 execution->statement->name, NULL);
        rows = 0;
        for (size_t i = 0; i < execution->count; i++)
            if (execution->calls[i])
                execution->calls[i]->state = CALL_UNAVAILABLE;
    }
    for (int row = 0; row < rows; row++) {
        int64_t n = set ? integer_at(result, row, 0) - 1 : 0;
        if (n < 0 || n >= (int64_t)execution->count)
            continue;
        struct call *call = execution->calls[n];
        if (call && !decode_row(call, result, row, set ? 1 : 0))
            call->state = CALL_UNAVAILABLE;
    }
}

/* Sending */

static bool is_prepared(const struct link *link, const struct statement *st)
{
    for (size_t i = 0; i < link->prepared_count; i++)
        if (link->prepared[i] == st)
            return true;
    return false;
}

static bool encode_params(struct link *link, const struct execution *execution, struct text *values)
{
    const struct statement *st = execution->statement;

    if (!st->set) {
        for (size_t i = 0; i < st->param_count; i++)
            if (!column_encode(&link->scratch, &st->params[i], execution->calls[0]->params, &values[i]))
                return false;
        return true;
    }
    const void **params = arena_alloc(&link->scratch, execution->count * sizeof(*params));
    if (!params)
        return false;
    for (size_t i = 0; i < execution->count; i++)
        params[i] = execution->calls[i] ? execution->calls[i]->params : NULL;
    for (size_t i = 0; i < st->param_count; i++)
        if (!column_encode_array(&link->scratch, &st->params[i], params, execution->count, &values[i]))
            return false;
    return true;
}

bool link_send(struct link *link, struct execution *execution)
{
    const struct statement *st = execution->statement;
    struct text encoded[PARAMS_MAX];
    const char *values[PARAMS_MAX];
    int lengths[PARAMS_MAX];
    int formats[PARAMS_MAX];
    Oid types[PARAMS_MAX];
    bool prepared = is_prepared(link, st);
    bool named = link->settings->pg.prepared_statements && (prepared || link->prepared_count < PREPARED_MAX);
    int count = (int)st->param_count;

    execution->preparing = execution->failed = false;
    if (st->param_count > PARAMS_MAX || !encode_params(link, execution, encoded))
        return false;
    for (int i = 0; i < count; i++) {
        values[i] = encoded[i].at;
        lengths[i] = (int)encoded[i].len;
        formats[i] = 1;
        types[i] = column_oid(st->params[i].type, st->set);
    }
    if (!named)
        return PQsendQueryParams(conn_of(link), st->sql, count, types, values, lengths, formats, 1) == 1;
    if (!prepared) {
        if (!PQsendPrepare(conn_of(link), st->name, st->sql, count, types))
            return false;
        link->prepared[link->prepared_count++] = st;
        execution->preparing = true;
    }
    return PQsendQueryPrepared(conn_of(link), st->name, count, values, lengths, formats, 1) == 1;
}

bool link_send_flush(struct link *link)
{
    return PQsendFlushRequest(conn_of(link)) == 1;
}

bool link_send_sync(struct link *link)
{
    return PQpipelineSync(conn_of(link)) == 1;
}

bool link_write(struct link *link)
{
    int left = PQflush(conn_of(link));

    if (left < 0)
        return false;
    link->outgoing = left > 0;
    return loop_watch(link->loop, &link->watch, EPOLLIN | (link->outgoing ? EPOLLOUT : 0));
}

/* Receiving */

/* The answer to a Parse: a statement that the server did not take is prepared again next time. False: lost.
 */
static bool take_prepared(struct link *link, struct execution *execution, const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    execution->preparing = false;
    if (status == PGRES_COMMAND_OK)
        return true;
    for (size_t i = 0; i < link->prepared_count; i++)
        if (link->prepared[i] == execution->statement)
            link->prepared[i] = link->prepared[--link->prepared_count];
    if (status == PGRES_PIPELINE_ABORTED)
        return true;
    execution->failed = true;
    return note_failure(link, result, execution->statement->name);
}

static enum link_event take_result(struct link *link, struct execution *execution, const PGresult *result)
{
    switch (PQresultStatus(result)) {
    case PGRES_PIPELINE_SYNC:
        link->proven = true;
        return LINK_SYNCED;
    case PGRES_PIPELINE_ABORTED:
        return execution && execution->failed ? LINK_FAILED : LINK_SKIPPED;
    case PGRES_TUPLES_OK:
        if (execution)
            decode(execution, result);
        return LINK_ROWS;
    case PGRES_COMMAND_OK:
        return LINK_ROWS;
    default:
        return note_failure(link, result, execution ? execution->statement->name : "commit") &&
                       PQstatus(conn_of(link)) != CONNECTION_BAD
                   ? LINK_FAILED
                   : LINK_LOST;
    }
}

enum link_event link_next(struct link *link, struct execution *execution)
{
    /* One NULL ends each execution's results; a second one says that libpq has nothing left. */
    for (int nulls = 0; nulls < 2;) {
        if (PQisBusy(conn_of(link)))
            return LINK_WAIT;
        PGresult *result = PQgetResult(conn_of(link));
        if (!result) {
            nulls++;
            continue;
        }
        nulls = 0;
        bool parsed = execution && execution->preparing && PQresultStatus(result) != PGRES_PIPELINE_SYNC;
        enum link_event event = LINK_WAIT;
        if (!parsed)
            event = take_result(link, execution, result);
        else if (!take_prepared(link, execution, result))
            event = LINK_LOST;
        PQclear(result);
        if (event != LINK_WAIT)
            return event;
    }
    return PQstatus(conn_of(link)) == CONNECTION_BAD ? LINK_LOST : LINK_WAIT;
}

/* Connecting and setting up */

static void link_fail(struct link *link)
{
    link_close(link);
    link->lost(link);
}

void link_close(struct link *link)
{
    if (link->state == LINK_DOWN)
        return;
    loop_unwatch(link->loop, &link->watch);
    PQfinish(conn_of(link));
    link->conn = NULL;
    link->turn += !link->proven;
    link->proven = false;
    link->state = LINK_DOWN;
    link->outgoing = false;
    arena_free(&link->scratch);
    link->prepared_count = 0;
}

static bool start_query(struct link *link, const char *sql)
{
    return PQsendQuery(conn_of(link), sql) == 1 && link_write(link);
}

enum setup_step { SETUP_SESSION, SETUP_LOOK, SETUP_SCHEMA, SETUP_END };

/*
 * Short statements find rows by index, whatever the planner thinks of tables that were empty when it planned;
 * their plans are made once. Reports are planned for their parameters.
 */
static bool send_session(struct link *link)
{
    static const char by_index[] = "; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;"
                                   " SET enable_hashjoin = off; SET enable_mergejoin = off";
    char sql[512];

    snprintf(sql, sizeof(sql),
             "SET client_min_messages = error; SET jit = off; SET statement_timeout = %lld;"
             " SET lock_timeout = %lld; SET idle_in_transaction_session_timeout = %lld%s",
             (long long)link->statement_timeout, (long long)link->lock_timeout,
             (long long)link->settings->pg.request_timeout * 4, link->by_index ? by_index : "");
    return start_query(link, sql);
}

static bool send_schema(struct link *link)
{
    static const char before[] = "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; "
                                 "SELECT pg_advisory_xact_lock(" SCHEMA_LOCK ");";
    char after[128];

    snprintf(after, sizeof(after),
             "\n; INSERT INTO schema_version (version) VALUES (%d) ON CONFLICT DO NOTHING; COMMIT",
             link->api->schema_version);
    char *sql = arena_printf(&link->scratch, "%s%s%.*s%s", before, pg_schema_sql,
                             (int)keeper_first_part(link->api->schema), link->api->schema, after);
    return sql && start_query(link, sql);
}

static bool is_standby(const struct link *link)
{
    const char *standby = PQparameterStatus(conn_of(link), "in_hot_standby");

    return standby && strcmp(standby, "on") == 0;
}

static bool send_step(struct link *link)
{
    link->step_failed = link->schema_current = false;
    if (link->setup_step == SETUP_SESSION && !link->settings->pg.prepared_statements)
        link->setup_step++;
    if (link->setup_step == SETUP_LOOK && schema_is_ready && !link->replica)
        link->setup_step = SETUP_END;
    switch (link->setup_step) {
    case SETUP_SESSION:
        return send_session(link);
    case SETUP_LOOK:
        return start_query(link, "SELECT coalesce(max(version), 0) FROM schema_version");
    case SETUP_SCHEMA:
        return send_schema(link);
    default:
        if (!PQenterPipelineMode(conn_of(link)))
            return false;
        link->state = LINK_UP;
        link->stands_in = link->replica && !is_standby(link);
        arena_reset(&link->scratch);
        link->up(link);
        return true;
    }
}

/* Takes a result of a step. The last one may come in a later turn: PostgreSQL sends an error at once. */
static void take_step(struct link *link, const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    if (status == PGRES_TUPLES_OK && link->setup_step == SETUP_LOOK)
        link->schema_current =
            PQntuples(result) == 1 && strtol(PQgetvalue(result, 0, 0), NULL, 10) >= link->api->schema_version;
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (link->setup_step == SETUP_LOOK && state && strcmp(state, "42P01") == 0)
        return; /* no such table: a database that we have not met */
    note_failure(link, result, "set up");
    link->step_failed = true;
}

static void pump_setup(struct link *link)
{
    while (!PQisBusy(conn_of(link))) {
        PGresult *result = PQgetResult(conn_of(link));
        if (result) {
            take_step(link, result);
            PQclear(result);
            continue;
        }
        if (link->step_failed || PQstatus(conn_of(link)) == CONNECTION_BAD) {
            link_fail(link);
            return;
        }
        if (link->replica && link->setup_step == SETUP_LOOK && !link->schema_current) {
            log_line(LOG_WARNING, "the replica has not got the schema yet", NULL);
            link_fail(link);
            return;
        }
        if (!link->replica && (link->setup_step == SETUP_SCHEMA || link->schema_current))
            schema_is_ready = true;
        link->setup_step = link->schema_current ? SETUP_END : link->setup_step + 1;
        if (!send_step(link))
            link_fail(link);
        return;
    }
}

static void poll_connect(struct link *link)
{
    loop_unwatch(link->loop, &link->watch); /* libpq may go on to another socket */
    PostgresPollingStatusType status = PQconnectPoll(conn_of(link));
    link->watch.fd = PQsocket(conn_of(link));
    if (status == PGRES_POLLING_FAILED || link->watch.fd < 0) {
        link_complain(link, PQerrorMessage(conn_of(link)));
        link_fail(link);
        return;
    }
    if (!loop_watch(link->loop, &link->watch, status == PGRES_POLLING_WRITING ? EPOLLOUT : EPOLLIN)) {
        link_fail(link);
        return;
    }
    if (status != PGRES_POLLING_OK)
        return;
    link->state = LINK_SETUP;
    link->setup_step = SETUP_SESSION;
    if (PQsetnonblocking(conn_of(link), 1) != 0 || !send_step(link))
        link_fail(link);
}

static void link_ready(struct watch *watch, uint32_t events)
{
    struct link *link = container_of(watch, struct link, watch);

    (void)events;
    if (link->state == LINK_CONNECTING) {
        poll_connect(link);
        return;
    }
    if (!PQconsumeInput(conn_of(link)) || (link->outgoing && !link_write(link))) {
        /* What arrived before the end is still there to be read, but no answer counts without its commit. */
        link_fail(link);
        return;
    }
    if (link->state == LINK_SETUP)
        pump_setup(link);
    else
        link->arrived(link);
}

/* A comma-separated list begun with another of its items; NULL: as it is. */
static const char *list_from(struct arena *arena, const char *list, unsigned turn)
{
    const char *at = list;
    unsigned count = 1;

    for (const char *c = list; *c; c++)
        count += *c == ',';
    for (turn %= count; turn; turn--)
        at = strchr(at, ',') + 1;
    return at == list ? NULL : arena_printf(arena, "%s,%.*s", at, (int)(at - list - 1), list);
}

/*
 * libpq tries its hosts in order, but goes on to the next only where a connection was refused: not after a
 * silent host, which ends in our own time-out, and not after one that answered with an error or, as PgBouncer
 * does for a server that is gone, takes the connection and fails the first statement. So an attempt that came
 * to nothing is followed by one that begins with the next host.
 */
static void take_turns(struct link *link, const char *lists[static HOST_LISTS])
{
    static const char *const names[HOST_LISTS] = {"host", "hostaddr", "port"};
    PQconninfoOption *options = link->turn ? PQconninfoParse(link->url, NULL) : NULL;

    for (const PQconninfoOption *option = options; option && option->keyword; option++)
        for (size_t i = 0; i < HOST_LISTS; i++)
            if (option->val && strcmp(option->keyword, names[i]) == 0)
                lists[i] = list_from(&link->scratch, option->val, link->turn);
    PQconninfoFree(options);
}

bool link_connect(struct link *link)
{
    char name[NAME_SIZE];
    const char *lists[HOST_LISTS] = {NULL, NULL, NULL};
    const char *const keywords[] = {"dbname",
                                    "host",
                                    "hostaddr",
                                    "port",
                                    "fallback_application_name",
                                    "client_encoding",
                                    "target_session_attrs",
                                    NULL};

    snprintf(name, sizeof(name), "%s", link->api->name);
    take_turns(link, lists);
    bool any = link->replica || strstr(link->url, "target_session_attrs");
    const char *const values[] = {
        link->url, lists[0], lists[1], lists[2], name, "UTF8", any ? NULL : "read-write", NULL};
    PGconn *conn = PQconnectStartParams(keywords, values, 1);
    if (!conn)
        return false;
    PQsetNoticeReceiver(conn, log_server_message, NULL); /* libpq's own writes to stderr */
    link->conn = (struct pg_conn *)conn;
    link->watch = (struct watch){.fd = PQsocket(conn), .ready = link_ready};
    link->state = LINK_CONNECTING;
    if (PQstatus(conn) == CONNECTION_BAD || !loop_watch(link->loop, &link->watch, EPOLLOUT)) {
        link_complain(link, PQerrorMessage(conn));
        link_close(link);
        return false;
    }
    return true;
}
