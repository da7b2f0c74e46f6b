#include "common/pg/link.h"

#include <libpq-fe.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "common/base/budget.h"
#include "common/base/log.h"
#include "common/pg/column.h"
#include "common/pg/connect.h"
#include "common/pg/decode.h"
#include "common/pg/encode.h"
#include "common/pg/session.h"

#define PARAMS_MAX 16 /* of a statement */
#define NAME_MAX_  96 /* bytes of a prepared statement's name; the server uses 63 of them */

/*
 * Records how a statement failed. False: the error is libpq's own, without a SQLSTATE: a lost connection or
 * exhausted memory, so that it is unknown what the server has done.
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

/* Sending */

/* Statements that the connection has prepared are unusable after a change of the types of columns. */
static bool is_prepared(struct link *link, const struct statement *st)
{
    if (link->own_plans != *link->plans) {
        link->own_plans = *link->plans;
        link->prepared_count = 0;
    }
    for (size_t i = 0; i < link->prepared_count; i++)
        if (link->prepared[i] == st)
            return true;
    return false;
}

static bool encode_arrays(struct link *link, const struct statement *st, const void *const *params,
                          size_t count, struct text *values)
{
    for (size_t i = 0; i < st->param_count; i++)
        if (!column_encode_array(&link->scratch, &st->params[i], params, count, &values[i]))
            return false;
    return true;
}

static bool encode_params(struct link *link, const struct execution *execution, struct text *values)
{
    const struct statement *st = execution->statement;

    if (st->of_rows) {
        const struct param_rows *given = execution->calls[0]->params;
        return encode_arrays(link, st, given->rows, given->count, values);
    }
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
    return encode_arrays(link, st, params, execution->count, values);
}

bool link_send(struct link *link, struct execution *execution)
{
    const struct statement *st = execution->statement;
    struct text encoded[PARAMS_MAX];
    const char *values[PARAMS_MAX];
    int lengths[PARAMS_MAX];
    int formats[PARAMS_MAX];
    Oid types[PARAMS_MAX];
    char name[NAME_MAX_];
    bool prepared = is_prepared(link, st);
    bool named = link->settings->prepared_statements && !st->planned_anew &&
                 (prepared || link->prepared_count < PREPARED_MAX);
    int count = (int)st->param_count;

    execution->preparing = execution->failed = false;
    if (st->param_count > PARAMS_MAX || !encode_params(link, execution, encoded))
        return false;
    for (int i = 0; i < count; i++) {
        values[i] = encoded[i].at;
        lengths[i] = (int)encoded[i].len;
        formats[i] = 1;
        types[i] = column_oid(st->params[i].type, st->set || st->of_rows);
    }
    if (!named)
        return PQsendQueryParams(link->pq, st->sql, count, types, values, lengths, formats, 1) == 1;
    snprintf(name, sizeof(name), link->own_plans ? "%s.%u" : "%s", st->name, link->own_plans);
    if (!prepared) {
        if (!PQsendPrepare(link->pq, name, st->sql, count, types))
            return false;
        link->prepared[link->prepared_count++] = st;
        execution->preparing = true;
    }
    return PQsendQueryPrepared(link->pq, name, count, values, lengths, formats, 1) == 1;
}

bool link_send_flush(struct link *link)
{
    return PQsendFlushRequest(link->pq) == 1;
}

bool link_send_sync(struct link *link)
{
    return PQpipelineSync(link->pq) == 1;
}

/* Receiving */

/*
 * Takes the answer to a Parse; a statement that the server refused is prepared again next time. False: lost.
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
    case PGRES_SINGLE_TUPLE:
        if (execution)
            decode_result(execution, result);
        return LINK_WAIT;
    case PGRES_TUPLES_OK:
        if (execution)
            decode_result(execution, result);
        return LINK_ROWS;
    case PGRES_COMMAND_OK:
        return LINK_ROWS;
    default:
        return note_failure(link, result, execution ? execution->statement->name : "commit") &&
                       PQstatus(link->pq) != CONNECTION_BAD
                   ? LINK_FAILED
                   : LINK_LOST;
    }
}

/* The memory of a result in libpq is counted while the result is read. */
static enum link_event take_counted(struct link *link, struct execution *execution, const PGresult *result)
{
    size_t size = PQresultMemorySize(result);

    budget_add(size);
    enum link_event event = take_result(link, execution, result);
    budget_give(size);
    return event;
}

/* Before any row of an execution is read; where it is too late or too early, libpq says so and does nothing.
 */
static void read_row_by_row(struct link *link, const struct execution *execution)
{
    bool large = execution && (execution->statement->large || link->kind == STATEMENT_REPORT);

    if (large && !execution->preparing)
        (void)PQsetSingleRowMode(link->pq);
}

enum link_event link_next(struct link *link, struct execution *execution)
{
    /* One NULL ends the results of each execution; a second one means that libpq has nothing left. */
    for (int nulls = 0; nulls < 2;) {
        read_row_by_row(link, execution);
        if (PQisBusy(link->pq))
            return LINK_WAIT;
        PGresult *result = PQgetResult(link->pq);
        if (!result) {
            nulls++;
            continue;
        }
        nulls = 0;
        bool parsed = execution && execution->preparing && PQresultStatus(result) != PGRES_PIPELINE_SYNC;
        enum link_event event = LINK_WAIT;
        if (!parsed)
            event = take_counted(link, execution, result);
        else if (!take_prepared(link, execution, result))
            event = LINK_LOST;
        PQclear(result);
        if (event != LINK_WAIT)
            return event;
    }
    return PQstatus(link->pq) == CONNECTION_BAD ? LINK_LOST : LINK_WAIT;
}

/* Connecting and losing the connection */

static void lose(struct link *link)
{
    link_close(link);
    link->lost(link);
}

static bool connect_on(struct link *link)
{
    switch (connect_poll(link)) {
    case CONNECT_WAITS:
        return true;
    case CONNECT_MADE:
        link->state = LINK_SETUP;
        return PQsetnonblocking(link->pq, 1) == 0 && session_start(link);
    default:
        return false;
    }
}

static bool set_up_on(struct link *link)
{
    switch (session_take(link)) {
    case SESSION_WAITS:
        return true;
    case SESSION_READY:
        if (!PQenterPipelineMode(link->pq))
            return false;
        link->state = LINK_UP;
        arena_reset(&link->scratch);
        link->up(link);
        return true;
    default:
        return false;
    }
}

/*
 * Whether OpenSSL holds bytes of which no event will tell: a record of TLS, of up to 16 KiB, is decrypted
 * whole, and libpq takes as much as its buffer has room for.
 */
static bool holds_more(struct link *link)
{
    SSL *tls = PQsslStruct(link->pq, "OpenSSL");
    struct pollfd more = {.fd = PQsocket(link->pq), .events = POLLIN};

    return tls && SSL_pending(tls) > 0 && poll(&more, 1, 0) == 0;
}

/* Reads what arrived before the connection ended; but no answer counts without its commit. */
static bool read_on(struct link *link)
{
    do {
        if (!PQconsumeInput(link->pq))
            return false;
    } while (holds_more(link));
    return !link->outgoing || link_write(link);
}

static void link_ready(struct watch *watch, uint32_t events)
{
    struct link *link = container_of(watch, struct link, watch);

    (void)events;
    if (link->state == LINK_CONNECTING) {
        if (!connect_on(link))
            lose(link);
        return;
    }
    if (!read_on(link)) {
        lose(link);
        return;
    }
    if (link->state == LINK_UP)
        link->arrived(link);
    else if (!set_up_on(link))
        lose(link);
}

void link_poll(struct link *link)
{
    link_ready(&link->watch, EPOLLIN);
}

/* Connects when the addresses are known. False: the link is down. */
static bool connect_to_hosts(struct link *link)
{
    if (!connect_start(link)) {
        link_close(link);
        return false;
    }
    link->watch = (struct watch){.fd = PQsocket(link->pq), .ready = link_ready};
    if (PQstatus(link->pq) != CONNECTION_BAD && loop_watch(link->loop, &link->watch, EPOLLOUT))
        return true;
    connect_complain(link, PQerrorMessage(link->pq));
    link_close(link);
    return false;
}

static void hosts_known(struct hosts *hosts)
{
    struct link *link = container_of(hosts, struct link, hosts);

    if (!connect_to_hosts(link))
        link->lost(link);
}

bool link_connect(struct link *link)
{
    link->state = LINK_CONNECTING;
    link->hosts.known = hosts_known;
    switch (hosts_look_up(&link->hosts, link->resolver, &link->scratch, link->url)) {
    case HOSTS_KNOWN:
        return connect_to_hosts(link);
    case HOSTS_ASKED:
        return true;
    default:
        link_close(link);
        return false;
    }
}
