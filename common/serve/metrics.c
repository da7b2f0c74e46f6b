#include "common/serve/metrics.h"

#include "common/base/declare.h"
#include "common/base/loop.h"

#define ONE(member) METRIC_ONE(struct serve_metrics, member)

const struct histogram_bounds serve_turn_bounds = {
    13,
    1e9,
    {100 * MICROSECOND, 250 * MICROSECOND, 500 * MICROSECOND, MILLISECOND, 2500 * MICROSECOND,
     5 * MILLISECOND, 10 * MILLISECOND, 25 * MILLISECOND, 50 * MILLISECOND, 100 * MILLISECOND,
     250 * MILLISECOND, 500 * MILLISECOND, SECOND},
};

static const struct metric_family families[] = {
    {"idempotent_replays_total", METRIC_COUNTER, ONE(idempotent_replays),
     .help = "Requests answered with the stored answer to an earlier one with the same Idempotency-Key."},
    {"worker_fibers", METRIC_GAUGE, ONE(fibers), .help = "Handlers that have begun and not ended yet."},
    {"worker_turn_seconds", METRIC_HISTOGRAM, ONE(turns), .bounds = &serve_turn_bounds,
     .help = "How long a turn of a worker's loop took, without its wait; requests that arrive meanwhile have "
             "to wait."},
};

const struct metric_group serve_metric_group = {sizeof(struct serve_metrics), families, COUNT(families)};
