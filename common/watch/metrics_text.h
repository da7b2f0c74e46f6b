/*
 * GET /metrics: the counters of all workers in Prometheus' text format, version 0.0.4.
 */
#ifndef COMMON_WATCH_METRICS_TEXT_H
#define COMMON_WATCH_METRICS_TEXT_H

#include "common/table/api.h"

handler_fn metrics_show;

#endif
