#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/loop.h"
#include "common/writer.h"

#define LINE_MAX_BYTES 2048

static struct {
    const char *service;
    enum log_level level;
    bool plain;
} log_settings = {"", LOG_INFO, false};

static const char *const level_names[] = {"debug", "info", "warning", "error"};

void log_start(const char *service, enum log_level level)
{
    log_settings.service = service;
    log_settings.level = level;
    log_settings.plain = isatty(STDERR_FILENO) == 1;
}

/* A line under construction; what does not fit is left out. */
struct line {
    char bytes[LINE_MAX_BYTES];
    size_t len;
};

static void add(struct line *line, const char *bytes, size_t len)
{
    size_t room = sizeof(line->bytes) - 4 - line->len; /* keeps `"}\n` */

    if (len > room)
        len = room;
    memcpy(line->bytes + line->len, bytes, len);
    line->len += len;
}

static void add_string(struct line *line, const char *string)
{
    add(line, string, strlen(string));
}

/* A JSON string's inside: what is not printable ASCII or UTF-8 as it is becomes a blank. */
static void add_value(struct line *line, const char *value)
{
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            add(line, "\\", 1);
        add(line, (unsigned char)*value < 0x20 ? " " : value, 1);
    }
}

void log_line(enum log_level level, const char *event, ...)
{
    struct line line = {.len = 0};
    char time[TIME_TEXT_MAX + 1];
    va_list args;

    if (level < log_settings.level)
        return;
    time[time_print(time, clock_of_day(), TIME_Z)] = '\0';
    add_string(&line, log_settings.plain ? "" : "{\"time\":\"");
    add_string(&line, time);
    add_string(&line, log_settings.plain ? " " : "\",\"level\":\"");
    add_string(&line, level_names[level]);
    add_string(&line, log_settings.plain ? " " : "\",\"service\":\"");
    add_string(&line, log_settings.service);
    add_string(&line, log_settings.plain ? ": " : "\",\"event\":\"");
    add_value(&line, event);
    va_start(args, event);
    for (const char *name = va_arg(args, const char *); name; name = va_arg(args, const char *)) {
        const char *value = va_arg(args, const char *);
        if (!value)
            continue;
        add_string(&line, log_settings.plain ? " " : "\",\"");
        add_string(&line, name);
        add_string(&line, log_settings.plain ? "=" : "\":\"");
        add_value(&line, value);
    }
    va_end(args);
    memcpy(line.bytes + line.len, "\"}\n", 3);
    size_t end = log_settings.plain ? 1 : 3;
    if (log_settings.plain)
        line.bytes[line.len] = '\n';
    /* A log that cannot be written has nowhere to complain to. */
    ssize_t written = write(STDERR_FILENO, line.bytes, line.len + end);
    (void)written;
}
