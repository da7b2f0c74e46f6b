/*
 * A worker without HTTP: a loop, fibers and the lanes of PostgreSQL, turned by the test itself.
 */
#ifndef TESTS_STAND_H
#define TESTS_STAND_H

#include "common/http/request.h"
#include "common/pg/metrics.h"
#include "common/pg/pg.h"
#include "common/serve/query.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/table/api.h"

#define STAND_PATIENCE (30 * SECOND) /* for anything that a test awaits */

extern struct settings stand_settings; /* a test changes what it needs before stand_open */
extern struct worker stand_worker;
extern struct pg_metrics stand_metrics;

/* What each test starts with: short timeouts, one connection per lane. */
void stand_defaults(const char *database_url);

/* Opens the lanes; the schema is checked again. */
void stand_open(const char *schema);
void stand_close(void);

/* One turn of the loop, as worker.c has it. */
void stand_turn(void);

/* A request that runs a function of the test in a fiber. */
struct job {
    struct request rq;
    void (*run)(struct job *job);
    const struct statement *statement;
    const char *token;
    int64_t number;
    bool ended;
    enum query_result answer;
    bool held;         /* what a transaction's query_begin or query_commit said */
    struct rows rows;  /* of query_rows */
    int64_t took;      /* nanoseconds */
    struct job *other; /* for the test's own use */
};

/* Starts a job with the deadline of REQUEST_TIMEOUT_MS, and ends it. */
void job_start(struct job *job);
void job_free(struct job *job);

/* Turns until a job has ended, or until the condition holds. */
void job_await(struct job *job);
#define stand_await(condition)                                                                               \
    do {                                                                                                     \
        int64_t await_end = clock_monotonic() + STAND_PATIENCE;                                              \
        while (!(condition)) {                                                                               \
            assert_true(clock_monotonic() < await_end);                                                      \
            stand_turn();                                                                                    \
        }                                                                                                    \
    } while (0)

/* Starts a job, awaits it, frees it and tells its answer. */
enum query_result job_do(struct job job);

#endif
