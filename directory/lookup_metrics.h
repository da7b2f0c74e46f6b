/* The metrics of lookups on User Progress. */
#ifndef DIRECTORY_LOOKUP_METRICS_H
#define DIRECTORY_LOOKUP_METRICS_H

#include "common/base/metric.h"

enum lookup_call { LOOKUP_BATCH, LOOKUP_PLAIN, LOOKUP_CALLS };

struct lookup_metrics {
    metric lookups, calls[LOOKUP_CALLS], failures;
};

extern const struct metric_group lookup_metric_group;

#endif
