/*
 * The counters of all workers in Prometheus' text format, version 0.0.4.
 */
#ifndef COMMON_WATCH_METRICS_TEXT_H
#define COMMON_WATCH_METRICS_TEXT_H

#include <stddef.h>

struct metrics;
struct writer;

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Writes the page of the workers of a process, at least one. */
void metrics_write(struct writer *w, const struct metrics *const *workers, size_t count);

#endif
