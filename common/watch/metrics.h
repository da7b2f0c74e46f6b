/*
 * Counters, gauges and histograms of a worker.
 *
 * Each is written by its worker alone and read by whichever worker answers GET /metrics (metrics_text.h),
 * which adds them up: a plain load and store each, relaxed, and no lock. Durations are in nanoseconds here
 * and in seconds where they are shown.
 */
#ifndef COMMON_WATCH_METRICS_H
#define COMMON_WATCH_METRICS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct api;
struct request;
struct worker;

#define METRICS_BUCKETS  15 /* that a histogram may have, the one without a bound included */
#define METRICS_LANES    4  /* one for each enum statement_kind */
#define METRICS_STATUSES 32 /* an answer's statuses that are told apart, and one for all others */
#define METRICS_SQLSTATE 16 /* the same of classes of SQLSTATE */
#define METRICS_METHODS  8  /* of enum method */

typedef _Atomic uint64_t metric;

struct histogram {
    metric buckets[METRICS_BUCKETS]; /* not cumulative */
    metric sum;
};

/* The upper bounds of a histogram's buckets, ascending; a unit of what is shown is `unit` of them. */
struct histogram_bounds {
    size_t count;
    double unit;
    uint64_t bounds[METRICS_BUCKETS - 1];
};

extern const struct histogram_bounds metrics_request_bounds, metrics_turn_bounds, metrics_batch_bounds;

/* What is kept of one route and method. */
struct route_metrics {
    struct histogram duration;
    metric statuses[METRICS_STATUSES];
};

enum metrics_settled { SETTLED_COMMITTED, SETTLED_ABSENT, METRICS_SETTLED };
enum metrics_lookup_call { LOOKUP_BATCH, LOOKUP_PLAIN, METRICS_LOOKUP_CALLS };
enum metrics_late { LATE_HEADER, LATE_BODY, LATE_READER, METRICS_LATE };

struct metrics {
    /* Counters */
    metric body_bytes_received, body_bytes_sent;
    metric connections_accepted;
    metric connections_late[METRICS_LATE];
    metric idempotent_replays;
    metric database_connections_opened[METRICS_LANES], database_connections_failed[METRICS_LANES];
    metric database_commits[METRICS_LANES];
    metric database_settled[METRICS_SETTLED];
    metric database_refused[METRICS_LANES];
    metric database_failures[METRICS_SQLSTATE];
    metric lookups, lookup_calls[METRICS_LOOKUP_CALLS], lookup_failures;
    struct histogram batches[METRICS_LANES];
    struct histogram turns;

    /* Gauges, as they were at the end of the worker's last turn */
    metric connections, requests, fibers;
    metric database_connections[METRICS_LANES], database_queue[METRICS_LANES];

    /* Each endpoint's own method, then HEAD of each, then what matched no endpoint by its method. */
    struct route_metrics *routes;
};

/* Adds to a counter of the calling worker. */
static inline void metrics_add(metric *m, uint64_t n)
{
    atomic_store_explicit(m, atomic_load_explicit(m, memory_order_relaxed) + n, memory_order_relaxed);
}

static inline void metrics_count(metric *m)
{
    metrics_add(m, 1);
}

static inline uint64_t metrics_read(const metric *m)
{
    return atomic_load_explicit(m, memory_order_relaxed);
}

/* Counts one value in the bucket that it belongs to. */
void histogram_observe(struct histogram *h, const struct histogram_bounds *bounds, uint64_t value);

/* Makes room for the routes of the worker's api; false when memory is exhausted. */
bool metrics_open(struct worker *worker);
/* After every worker has ended: the others read these numbers too. */
void metrics_close(struct worker *worker);

/* How many there are of `routes`, and which of them is a request's. */
size_t metrics_route_count(const struct api *api);
size_t metrics_route_of(const struct request *rq);

/* The place of a status among METRICS_STATUSES, of a SQLSTATE among METRICS_SQLSTATE; the last is all others.
 */
size_t metrics_status_place(int status);
size_t metrics_sqlstate_place(const char *sqlstate);
/* What the places stand for; 0 and NULL where they stand for nothing or for all others. */
int metrics_status_at(size_t place);
const char *metrics_sqlstate_at(size_t place);

/* Counts an answer that is about to leave; its duration and size are known. */
void metrics_request(const struct request *rq);

/* The end of a turn: how long its work took, and the gauges. */
void metrics_turn(struct worker *worker);

#endif
