#include "common/pg/connect.h"

#include <libpq-fe.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/base/log.h"

#define COMPLAINT_PAUSE (5 * SECOND) /* between two warnings of this process about its database */

void connect_complain(const struct link *link, const char *reason)
{
    static _Atomic int64_t last;
    int64_t before = last, now = link->loop->now;
    bool first = before == 0 || now - before >= COMPLAINT_PAUSE;

    /* If another worker wins the exchange, it has just logged the warning. */
    first = first && atomic_compare_exchange_strong(&last, &before, now);
    log_line(first ? LOG_WARNING : LOG_DEBUG, "cannot connect to the database", "reason", reason, NULL);
}

static void log_server_message(void *unused, const PGresult *result)
{
    (void)unused;
    log_line(LOG_DEBUG, "postgres notice", "sqlstate", PQresultErrorField(result, PG_DIAG_SQLSTATE), NULL);
}

bool connect_start(struct link *link)
{
    struct host_lists lists;
    const char *const keywords[] = {CONNECT_WATCH,
                                    "dbname",
                                    "host",
                                    "hostaddr",
                                    "port",
                                    "fallback_application_name",
                                    "client_encoding",
                                    "target_session_attrs",
                                    NULL};

    /*
     * libpq tries its next host only if a host refuses the connection. It does not if a host is silent, which
     * ends in our own time-out, if it answers with an error, or if, like PgBouncer for a server that is gone,
     * it accepts the connection and fails the first statement. So each failed attempt is followed by one that
     * begins with the next host.
     */
    if (!hosts_list(&link->hosts, &link->scratch, link->turn, &lists)) {
        connect_complain(link, "no address was found for any of its hosts");
        return false;
    }
    bool any = link->replica || strstr(link->url, "target_session_attrs");
    const char *const values[] = {CONNECT_WATCH_VALUES,
                                  link->url,
                                  lists.host,
                                  lists.hostaddr,
                                  lists.port,
                                  link->schema->name,
                                  "UTF8",
                                  any ? NULL : "read-write",
                                  NULL};
    link->pq = PQconnectStartParams(keywords, values, 1);
    if (!link->pq)
        return false;
    PQsetNoticeReceiver(link->pq, log_server_message, NULL); /* libpq's default writes to stderr */
    return true;
}

enum connect_status connect_poll(struct link *link)
{
    loop_unwatch(link->loop, &link->watch); /* libpq may change to another socket */
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
