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

/* A line under construction; what does not fit is left out whole, so that the rest is still JSON. */
struct line {
    char bytes[LINE_MAX_BYTES];
    size_t len;
};

static bool fits(const struct line *line, size_t len)
{
    return len <= sizeof(line->bytes) - 3 - line->len; /* keeps `"}\n` */
}

static void add(struct line *line, const char *bytes, size_t len)
{
    if (!fits(line, len))
        return;
    memcpy(line->bytes + line->len, bytes, len);
    line->len += len;
}

static void add_string(struct line *line, const char *string)
{
    add(line, string, strlen(string));
}

/* A JSON string's inside: control characters and what is no UTF-8 become a blank. */
static void add_value(struct line *line, const char *value)
{
    struct text t = text_of(value);
    size_t len;

    for (size_t at = 0; at < t.len; at += len ? len : 1) {
        char escaped[2] = {'\\', t.at[at]};
        len = text_sequence(t, at);
        bool plain = len && (unsigned char)t.at[at] >= 0x20;
        bool escape = t.at[at] == '"' || t.at[at] == '\\';
        if (!fits(line, escape ? 2 : plain ? len : 1))
            return;
        add(line, escape ? escaped : plain ? t.at + at : " ", escape ? 2 : plain ? len : 1);
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
        if (!value || !fits(&line, strlen(name) + 6)) /* `","` before it and `":"` behind it */
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
