/*
 * The log: one line per event on stderr, JSON unless stderr is a terminal.
 *
 * Nothing waits for the reader of the log: a line that stderr does not take at once is dropped and counted.
 */
#ifndef COMMON_BASE_LOG_H
#define COMMON_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/log_entry.h"

struct log_settings {
    int64_t level; /* enum log_level */
};

/* Sets the service's name and the lowest level that is written; before the workers start. */
void log_start(const char *service, enum log_level level);

/* Whether lines of a level are written. */
bool log_takes(enum log_level level);

/* Begins an entry of this service's log in a buffer of LOG_ENTRY_MAX bytes. */
struct log_entry log_entry_begin(char *room, struct text time, enum log_level level, struct text event);

/*
 * Writes one line: the event and pairs of name and value, ended by NULL. A NULL value is left out. Values are
 * terminated strings; what does not fit the line is cut.
 */
void log_line(enum log_level level, const char *event, ...) __attribute__((sentinel));

/* Writes whole lines, as many as stderr takes at once; returns the bytes that it took. From any thread. */
size_t log_write(const char *lines, size_t len);

/* Counts dropped lines; the number of dropped lines so far. */
void log_drop(uint64_t lines);
uint64_t log_dropped(void);

#endif
