#include "common/pg/connect.h"

#include <libpq-fe.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/base/log.h"

#define COMPLAINT_PAUSE (5 * SECOND) /* between two warnings of this process that the database is away */
#define HOST_LISTS      3            /* settings of libpq that list an item a host */

void connect_complain(const struct link *link, const char *reason)
{
    static _Atomic int64_t last;
    int64_t before = last, now = link->loop->now;
    bool first = before == 0 || now - before >= COMPLAINT_PAUSE;

    /* Who loses the exchange to another worker has just been spoken for. */
    first = first && atomic_compare_exchange_strong(&last, &before, now);
    log_line(first ? LOG_WARNING : LOG_DEBUG, "cannot connect to the database", "reason", reason, NULL);
}

static void log_server_message(void *unused, const PGresult *result)
{
    (void)unused;
    log_line(LOG_DEBUG, "postgres notice", "sqlstate", PQresultErrorField(result, PG_DIAG_SQLSTATE), NULL);
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

bool connect_start(struct link *link)
{
    const char *lists[HOST_LISTS] = {NULL, NULL, NULL};
    const char *const keywords[] = {"dbname",
                                    "host",
                                    "hostaddr",
                                    "port",
                                    "fallback_application_name",
                                    "client_encoding",
                                    "target_session_attrs",
                                    NULL};

    take_turns(link, lists);
    bool any = link->replica || strstr(link->url, "target_session_attrs");
    const char *const values[] = {
        link->url, lists[0], lists[1], lists[2], link->schema->name, "UTF8", any ? NULL : "read-write", NULL};
    link->pq = PQconnectStartParams(keywords, values, 1);
    if (!link->pq)
        return false;
    PQsetNoticeReceiver(link->pq, log_server_message, NULL); /* libpq's own writes to stderr */
    return true;
}

enum connect_status connect_poll(struct link *link)
{
    loop_unwatch(link->loop, &link->watch); /* libpq may go on to another socket */
    PostgresPollingStatusType status = PQconnectPoll(link->pq);
    link->watch.fd = PQsocket(link->pq);
    if (status == PGRES_POLLING_FAILED || link->watch.fd < 0) {
        connect_complain(link, PQerrorMessage(link->pq));
        return CONNECT_FAILED;
    }
    if (!loop_watch(link->loop, &link->watch, status == PGRES_POLLING_WRITING ? EPOLLOUT : EPOLLIN))
        return CONNECT_FAILED;
    return status == PGRES_POLLING_OK ? CONNECT_MADE : CONNECT_WAITS;
}
