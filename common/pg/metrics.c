#include "common/pg/metrics.h"

#include <string.h>

#include "common/base/declare.h"

#define EACH(member, label, names) METRIC_EACH(struct pg_metrics, member, label, names)

/* From appendix A of PostgreSQL's manual: those that may occur in these services. */
static const char *const classes[PG_SQLSTATES] = {
    "08", "22", "23", "25", "26", "28", "3D", "40", "42", "53", "54", "55", "57", "58", "XX", "other",
};

static const char *const lanes[] = {"read",   "report", "append",
                                    "change", "ingest", "export"}; /* by enum statement_kind */
static const char *const writing_lanes[] = {"append", "change", "ingest"};
static const char *const settled[] = {"committed", "absent"}; /* by enum pg_settled */

const struct histogram_bounds pg_batch_bounds = {11, 1, {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}};

static const struct metric_family families[] = {
    {"database_connections", METRIC_GAUGE, EACH(connections, "lane", lanes),
     .help = "Connections to PostgreSQL that are up."},
    {"database_connections_opened_total", METRIC_COUNTER, EACH(connections_opened, "lane", lanes),
     .help = "Connections to PostgreSQL that came up, reconnects included."},
    {"database_connections_failed_total", METRIC_COUNTER, EACH(connections_failed, "lane", lanes),
     .help = "Connections to PostgreSQL that were lost or could not be made."},
    {"database_queue_length", METRIC_GAUGE, EACH(queue, "lane", lanes),
     .help = "Statements that wait for a connection."},
    {"database_refused_total", METRIC_COUNTER, EACH(refused, "lane", lanes),
     .help = "Statements refused because the queue was full or the database away."},
    {"database_commits_total", METRIC_COUNTER, EACH(commits[STATEMENT_APPEND], "lane", writing_lanes),
     .help = "Transactions that wrote and are committed: a batch is one."},
    {"database_commits_settled_total", METRIC_COUNTER, EACH(settled, "outcome", settled),
     .help = "Commits whose answer was lost with the connection, by what was found afterwards."},
    {"database_statement_failures_total", METRIC_COUNTER, EACH(failures, "class", classes),
     .help = "Statements that PostgreSQL refused, by the class of the SQLSTATE."},
    {"database_ids_used_percent", METRIC_GAUGE, METRIC_ONE(struct pg_metrics, ids_used),
     .help = "Ids used of those that a table's column and sequence allow, of the table that has the fewest "
             "left."},
    {"database_batch_statements", METRIC_HISTOGRAM, EACH(batches, "lane", lanes), .bounds = &pg_batch_bounds,
     .help = "Statements of each batch that was sent."},
    {"database_schema_steps_waiting", METRIC_GAUGE, METRIC_ONE(struct pg_metrics, schema_steps),
     .help = "Triggers, indexes and slices of history that are not done yet."},
};

const struct metric_group pg_metric_group = {sizeof(struct pg_metrics), families, COUNT(families)};

size_t pg_sqlstate_place(const char *sqlstate)
{
    size_t i = 0;

    while (i < PG_SQLSTATES - 1 && strncmp(classes[i], sqlstate, 2) != 0)
        i++;
    return i;
}
