/*
 * A point in time: its own type, so that no count, duration or monotonic clock passes for one.
 */
#ifndef COMMON_BASE_MOMENT_H
#define COMMON_BASE_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

struct moment {
    int64_t us; /* microseconds since 1970 UTC */
};

/* The null of JSON and SQL. */
#define MOMENT_NULL ((struct moment){INT64_MIN})

static inline bool moment_is_null(struct moment m)
{
    return m.us == INT64_MIN;
}

#endif
