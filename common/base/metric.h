/*
 * Counters, gauges and histograms, and the tables that say how a room's metrics are named and shown.
 *
 * Each is written by one thread only and may be read by any: a relaxed load and store, without a lock.
 * Durations are in nanoseconds here, and in seconds when they are shown.
 */
#ifndef COMMON_BASE_METRIC_H
#define COMMON_BASE_METRIC_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define METRIC_BUCKETS 15 /* the most that a histogram may have, the one without a bound included */

typedef _Atomic uint64_t metric;

struct histogram {
    metric buckets[METRIC_BUCKETS]; /* not cumulative */
    metric sum;
};

/*
 * The upper bounds of a histogram's buckets, ascending; `unit` of them is one unit of the metric that is
 * shown.
 */
struct histogram_bounds {
    size_t count;
    double unit;
    uint64_t bounds[METRIC_BUCKETS - 1];
};

enum metric_type {
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_HISTOGRAM,
    METRIC_AGE, /* a gauge of a duration: the longest of all workers is shown */
};

/* A name with one sample, or one for each value of a label. */
struct metric_family {
    const char *name;
    enum metric_type type;
    size_t at; /* of the first of `count` metrics or histograms, in the room's struct */
    const char *label;
    const char *const *values; /* of the label */
    size_t count;
    const struct histogram_bounds *bounds; /* of a METRIC_HISTOGRAM */
    const char *help;
};

/* What a room counts: its struct, of which each worker has one, and the families that show its members. */
struct metric_group {
    size_t size;
    const struct metric_family *families;
    size_t family_count;
};

/* The places of a family's members: `METRIC_ONE(struct x_metrics, member)`, or one for each name of a list.
 */
#define METRIC_ONE(type, member) .at = offsetof(type, member), .count = 1
#define METRIC_EACH(type, member, name, names)                                                               \
    .at = offsetof(type, member), .label = (name), .values = (names),                                        \
    .count = sizeof(names) / sizeof((names)[0])

/* Adds to a counter of the calling thread. */
static inline void metric_add(metric *m, uint64_t n)
{
    atomic_store_explicit(m, atomic_load_explicit(m, memory_order_relaxed) + n, memory_order_relaxed);
}

static inline void metric_count(metric *m)
{
    metric_add(m, 1);
}

/* Sets a gauge of the calling thread. */
static inline void metric_set(metric *m, uint64_t n)
{
    atomic_store_explicit(m, n, memory_order_relaxed);
}

static inline uint64_t metric_read(const metric *m)
{
    return atomic_load_explicit(m, memory_order_relaxed);
}

/* Counts one value in the bucket that it belongs to. */
static inline void histogram_observe(struct histogram *h, const struct histogram_bounds *bounds,
                                     uint64_t value)
{
    size_t i = 0;

    while (i < bounds->count && value > bounds->bounds[i])
        i++;
    metric_count(&h->buckets[i]);
    metric_add(&h->sum, value);
}

#endif
