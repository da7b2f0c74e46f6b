/* The metrics of the HTTP server. */
#ifndef COMMON_HTTP_METRICS_H
#define COMMON_HTTP_METRICS_H

#include "common/base/metric.h"

enum http_late { LATE_HEADER, LATE_BODY, LATE_READER, HTTP_LATE };

struct http_metrics {
    metric connections_accepted;
    metric connections_late[HTTP_LATE];
    metric connections_given_way;
    metric answers_cut;
    metric connections, requests; /* gauges, as of the end of the last turn */
};

extern const struct metric_group http_metric_group;

#endif
