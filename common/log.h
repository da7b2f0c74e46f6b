/*
 * The log: one line an event on stderr, JSON where stderr is no terminal.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include "common/settings.h"

/* Sets the service's name and the lowest level that is written; before the workers start. */
void log_start(const char *service, enum log_level level);

/*
 * Writes one line: the event and pairs of name and value, ended by NULL. A NULL value is left out. Values are
 * terminated strings; what is longer than the line's room is cut.
 */
void log_line(enum log_level level, const char *event, ...) __attribute__((sentinel));

#endif
