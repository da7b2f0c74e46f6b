/*
 * A point in time: a type of its own, so that a count, a duration or a monotonic time cannot be taken for
 * one.
 */
#ifndef COMMON_BASE_MOMENT_H
#define COMMON_BASE_MOMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct moment {
    int64_t us; /* microseconds since 1970 UTC */
};

/* A list of points in time; `items == NULL` is null. */
struct moments {
    struct moment *items;
    size_t count;
};

#define MOMENT_SECOND INT64_C(1000000) /* microseconds */
#define MOMENT_DAY    (86400 * MOMENT_SECOND)

/* The null of JSON and SQL. */
#define MOMENT_NULL ((struct moment){INT64_MIN})

static inline bool moment_is_null(struct moment m)
{
    return m.us == INT64_MIN;
}

#endif
