#include "common/http/metrics.h"

#include "common/base/declare.h"

#define ONE(member)                METRIC_ONE(struct http_metrics, member)
#define EACH(member, label, names) METRIC_EACH(struct http_metrics, member, label, names)

static const char *const late[] = {"header", "body", "reader"}; /* by enum http_late */

static const struct metric_family families[] = {
    {"http_requests_in_flight", METRIC_GAUGE, ONE(requests),
     .help = "Requests that have begun and are not answered yet."},
    {"http_connections", METRIC_GAUGE, ONE(connections), .help = "Open connections of clients."},
    {"http_connections_accepted_total", METRIC_COUNTER, ONE(connections_accepted),
     .help = "Connections accepted."},
    {"http_connections_late_total", METRIC_COUNTER, EACH(connections_late, "awaited", late),
     .help = "Connections closed because a header, a body or the reader of an answer was late."},
    {"http_connections_given_way_total", METRIC_COUNTER, ONE(connections_given_way),
     .help = "Idle connections closed because clients waited to be accepted."},
    {"http_answers_cut_total", METRIC_COUNTER, ONE(answers_cut),
     .help = "Answers broken off after their first part had left."},
};

const struct metric_group http_metric_group = {sizeof(struct http_metrics), families, COUNT(families)};
