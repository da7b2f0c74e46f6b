/*
 * Deletion by age: rows whose time is before a moment, the oldest first, in transactions of RETENTION_SLICE
 * rows.
 *
 * A service provides three statements and two functions, one for the call and one for its upkeep. Rows
 * without a time are never old. A row that somebody else changes at that moment is left for the next time, so
 * no transaction waits for another one.
 */
#ifndef COMMON_ITEMS_RETENTION_H
#define COMMON_ITEMS_RETENTION_H

#include "common/base/metric.h"
#include "common/pg/statement.h"
#include "common/serve/part.h"
#include "common/shape/declare.h"
#include "common/table/api.h"

#define RETENTION_SLICE INT64_C(10000) /* rows of one transaction */
#define RETENTION_EVERY 1000           /* milliseconds between two slices of the upkeep */

/* Parameters and rows of the statements. */
struct retention_params {
    struct moment before;
    int64_t most;
};
struct retention_lab {
    struct text lab_type; /* "null" of rows without one */
    int64_t rows;
    struct moment oldest, newest;
};
struct retention_any {
    int8_t any;
};

/* What the three statements take and return, the members of struct retention in their order. */
#define RETENTION_MATCH                                                                                      \
    PARAMS(struct retention_params, before), ROW(struct retention_lab, lab_type, rows, oldest, newest)
#define RETENTION_DELETE                                                                                     \
    PARAMS(struct retention_params, before, most), ROW(struct retention_lab, lab_type, rows)
#define RETENTION_ANY PARAMS(struct retention_params, before), ROW(struct retention_any, any)

struct retention {
    const struct statement *match; /* REPORT: counts the old rows by lab type, most first */
    const struct statement
        *delete;                 /* INGEST: deletes the oldest `most` of them, and counts them by lab type */
    const struct statement *any; /* READ: whether there are any */
};

extern const struct shape retention_in_shape, retention_shape;

#define RETENTION_ENDPOINT(handler)                                                                          \
    POST("/admin/retention", handler, "Administration", "Delete what is older than a time",                  \
         .help =                                                                                             \
             "By default nothing is deleted, only counted. The oldest rows go first; call again as long "    \
             "as `remaining` is true. Rows without a time are never old.",                                   \
         .body_in = &retention_in_shape, .answer = &retention_shape, .scope = "admin")

/* Answers the call: counts, or deletes until `limit` or RETENTION_TIMEOUT_MS. Waits. */
enum reply retention_reply(struct request *rq, const struct retention *retention);

/*
 * Deletes one slice of what is older than RETENTION_DAYS; nothing if that is 0, or if any daemon did so less
 * than a second ago. Waits.
 */
void retention_keep(struct request *rq, const struct retention *retention);

struct retention_metrics {
    metric deleted;
};

/* A worker's count of rows that were deleted. */
extern const struct part retention_part;

#endif
