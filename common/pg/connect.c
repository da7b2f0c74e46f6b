#include "common/pg/connect.h"

#include <libpq-fe.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/base/log.h"

#define COMPLAINT_PAUSE (5 * SECOND) /* between two warnings of this process about its database */

/*
 * Of every connection, in front of the URL, which may say otherwise: the kernel tells within half a minute
 * that a server is gone without a word (libpq: seconds without a word, seconds between two questions,
 * questions without an answer; milliseconds without an acknowledgement). A statement may take hours.
 */
#define WATCH        "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"
#define WATCH_VALUES "10", "5", "3", "25000"

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

PGconn *connect_begin(const char *url, const struct host_lists *lists, const char *name, bool any)
{
    const char *const keywords[] = {WATCH,
                                    "dbname",
                                    "host",
                                    "hostaddr",
                                    "port",
                                    "fallback_application_name",
                                    "client_encoding",
                                    "target_session_attrs",
                                    NULL};
    const char *writable = any || strstr(url, "target_session_attrs") ? NULL : "read-write";
    const char *const values[] = {WATCH_VALUES, url,      lists->host, lists->hostaddr, lists->port, name,
                                  "UTF8",       writable, NULL};

    return PQconnectStartParams(keywords, values, 1);
}

bool connect_start(struct link *link)
{
    struct host_lists lists;

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
    link->pq = connect_begin(link->url, &lists, link->schema->name, link->replica);
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
