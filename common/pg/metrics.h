/* The metrics of the connections to the database. */
#ifndef COMMON_PG_METRICS_H
#define COMMON_PG_METRICS_H

#include "common/base/metric.h"
#include "common/pg/statement.h"

#define PG_SQLSTATES 16 /* classes of SQLSTATE that are counted separately, and one for all others */

enum pg_settled { SETTLED_COMMITTED, SETTLED_ABSENT, PG_SETTLED };

struct pg_metrics {
    metric connections_opened[STATEMENT_KINDS], connections_failed[STATEMENT_KINDS];
    metric commits[STATEMENT_KINDS];
    metric settled[PG_SETTLED];
    metric refused[STATEMENT_KINDS];
    metric failures[PG_SQLSTATES];
    struct histogram batches[STATEMENT_KINDS];
    metric connections[STATEMENT_KINDS], queue[STATEMENT_KINDS]; /* gauges, as of the last flush */
    metric schema_steps; /* a gauge of the keeper's thread, in the first worker's */
    metric ids_used;     /* gauge, percent: of the table with the fewest ids left */
};

extern const struct metric_group pg_metric_group;
extern const struct histogram_bounds pg_batch_bounds;

/* The index of a SQLSTATE among PG_SQLSTATES; the last is for all others. */
size_t pg_sqlstate_place(const char *sqlstate);

#endif
