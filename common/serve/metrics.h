/* The metrics of a worker itself. */
#ifndef COMMON_SERVE_METRICS_H
#define COMMON_SERVE_METRICS_H

#include "common/base/metric.h"

struct serve_metrics {
    metric idempotent_replays;
    metric fibers; /* a gauge, as of the end of the last turn */
    struct histogram turns;
};

extern const struct metric_group serve_metric_group;
extern const struct histogram_bounds serve_turn_bounds;

#endif
