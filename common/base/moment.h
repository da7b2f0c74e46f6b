/*
 * A point in time: a type of its own, so that a count, a duration or a monotonic time cannot be taken for
 * one.
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
