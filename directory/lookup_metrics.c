#include "directory/lookup_metrics.h"

#include "common/base/declare.h"

#define ONE(member)                METRIC_ONE(struct lookup_metrics, member)
#define EACH(member, label, names) METRIC_EACH(struct lookup_metrics, member, label, names)

static const char *const calls[] = {"batch", "plain"}; /* by enum lookup_call */

static const struct metric_family families[] = {
    {"lookups_total", METRIC_COUNTER, ONE(lookups),
     .help = "Requests that asked User Progress for users or labs."},
    {"lookup_calls_total", METRIC_COUNTER, EACH(calls, "kind", calls),
     .help = "Calls for lookups: one for many lookups, or a plain GET for each user and lab."},
    {"lookup_failures_total", METRIC_COUNTER, ONE(failures),
     .help = "Lookups and forwarded requests that User Progress did not answer."},
};

const struct metric_group lookup_metric_group = {sizeof(struct lookup_metrics), families, COUNT(families)};
