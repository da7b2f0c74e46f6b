/*
 * One line of the log: JSON, or plain text if a person reads it.
 *
 * An entry is written into a buffer of its owner; what does not fit is left out, and the line stays whole.
 * Values from outside are made harmless: no control characters, no invalid UTF-8, and, in what clients send,
 * no e-mail addresses and no tokens.
 */
#ifndef COMMON_BASE_LOG_ENTRY_H
#define COMMON_BASE_LOG_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/text.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

#define LOG_ENTRY_MAX ((size_t)2048) /* bytes of a line, its end included */

struct log_entry {
    char *at; /* LOG_ENTRY_MAX bytes */
    size_t len;
    bool plain;
};

/* Begins a line; `time` is as time_print prints it with TIME_Z. */
struct log_entry log_entry_start(char *room, bool plain, struct text time, enum log_level level,
                                 const char *service, struct text event);

/* Adds a member; the null text is left out. */
void log_entry_text(struct log_entry *entry, const char *name, struct text value);

/* The same, but every word that looks like an e-mail address or a token becomes `***`. */
void log_entry_masked(struct log_entry *entry, const char *name, struct text value);

void log_entry_int(struct log_entry *entry, const char *name, int64_t n);

/* Adds nanoseconds as milliseconds with three digits after the point. */
void log_entry_milliseconds(struct log_entry *entry, const char *name, int64_t nanoseconds);

/* Ends the line; returns its length. */
size_t log_entry_end(struct log_entry *entry);

/* Prints nanoseconds as milliseconds, `12.345`, into MILLISECONDS_MAX bytes; returns the length. */
#define MILLISECONDS_MAX 24
size_t milliseconds_print(char *out, int64_t nanoseconds);

#endif
