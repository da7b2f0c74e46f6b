#include "common/watch/request_log.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/loop.h"
#include "common/http/request.h"
#include "common/table/router.h"

#define GATHERED_MAX   ((size_t)64 << 10) /* the most bytes of lines that wait to be written */
#define USER_AGENT_MAX 256                /* bytes of a user agent that are logged */
#define TRACE_MAX      128                /* bytes of a traceparent */
#define PARAMETER_MAX  64                 /* bytes of a path parameter */

struct request_log {
    const struct loop *loop;
    const struct watch_settings *settings;
    size_t len;
    int64_t turn; /* the loop's time that `time` is for */
    size_t time_len;
    char time[TIME_TEXT_MAX];
    char gathered[GATHERED_MAX];
};

struct request_log *request_log_open(const struct loop *loop, const struct watch_settings *settings)
{
    struct request_log *log = calloc(1, sizeof(*log));

    if (!log)
        return NULL;
    log->loop = loop;
    log->settings = settings;
    return log;
}

static uint64_t lines_in(const char *bytes, size_t len)
{
    uint64_t lines = 0;

    for (const char *at = bytes; (at = memchr(at, '\n', len - (size_t)(at - bytes))); at++)
        lines++;
    return lines;
}

void request_log_close(struct request_log *log)
{
    if (!log)
        return;
    request_log_flush(log);
    log_drop(lines_in(log->gathered, log->len));
    free(log);
}

void request_log_flush(struct request_log *log)
{
    if (!log->len)
        return;
    size_t written = log_write(log->gathered, log->len);
    log->len -= written;
    memmove(log->gathered, log->gathered + written, log->len);
}

/* The time of the turn: the clock is read once for all of its lines. */
static struct text time_of_turn(struct request_log *log)
{
    if (log->turn != log->loop->now) {
        log->turn = log->loop->now;
        log->time_len = time_print(log->time, clock_of_day(), TIME_Z);
    }
    return (struct text){log->time, log->time_len};
}

/*
 * Letters, digits, `-` and `_` only: a value with a point, an @ or a percent sign may be a token or an
 * address.
 */
static bool is_harmless(struct text value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
    }
    return value.len > 0 && value.len <= PARAMETER_MAX;
}

static struct text segment(const char *at)
{
    return (struct text){at, strcspn(at, "/")};
}

/* Walks the route and the raw path, which it matches, segment by segment. */
static void add_parameters(struct log_entry *entry, const struct request *rq)
{
    struct text path = rq->raw_path;

    for (const char *at = rq->route->path + 1;; at++) {
        struct text name = segment(at);
        const char *slash = memchr(path.at + 1, '/', path.len - 1);
        struct text value = {path.at + 1, slash ? (size_t)(slash - path.at - 1) : path.len - 1};
        if (name.len > 2 && name.at[0] == '{' && is_harmless(value)) {
            char label[PARAMETER_MAX + 1];
            size_t len = name.len - 2 < PARAMETER_MAX ? name.len - 2 : PARAMETER_MAX;
            memcpy(label, name.at + 1, len);
            label[len] = '\0';
            log_entry_text(entry, label, value);
        }
        at += name.len;
        if (!*at || !slash)
            return;
        path.len -= (size_t)(slash - path.at);
        path.at = slash;
    }
}

static bool is_traceparent(struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        if (!memchr("0123456789abcdef-", t.at[i], 17))
            return false;
    return t.at && t.len <= TRACE_MAX;
}

/* Adds what both lines of a request have. */
static void add_request(struct log_entry *entry, const struct request *rq)
{
    log_entry_masked(entry, "request_id", rq->id);
    if (is_traceparent(rq->headers.traceparent))
        log_entry_text(entry, "traceparent", rq->headers.traceparent);
    log_entry_text(entry, "method", text_of(method_names[rq->head ? METHOD_HEAD : rq->method]));
    log_entry_text(entry, "route", rq->route ? text_of(rq->route->path) : TEXT("unmatched"));
    if (rq->route)
        add_parameters(entry, rq);
    log_entry_int(entry, "status", rq->status);
    log_entry_milliseconds(entry, "duration_ms", rq->duration);
}

static void add_line(struct request_log *log, const struct request *rq, enum log_level level)
{
    struct text agent = rq->headers.user_agent;

    if (GATHERED_MAX - log->len < LOG_ENTRY_MAX)
        request_log_flush(log);
    if (GATHERED_MAX - log->len < LOG_ENTRY_MAX) {
        log_drop(1);
        return;
    }
    struct log_entry entry =
        log_entry_begin(log->gathered + log->len, time_of_turn(log), level, TEXT("request"));
    add_request(&entry, rq);
    log_entry_int(&entry, "bytes", (int64_t)request_bytes_sent(rq));
    if (agent.at)
        log_entry_masked(&entry, "user_agent",
                         (struct text){agent.at, agent.len < USER_AGENT_MAX ? agent.len : USER_AGENT_MAX});
    log->len += log_entry_end(&entry);
}

/* Logs a slow request at once, like all warnings. */
static void warn_of_slow(struct request_log *log, const struct request *rq)
{
    char room[LOG_ENTRY_MAX];
    struct log_entry entry = log_entry_begin(room, time_of_turn(log), LOG_WARNING, TEXT("slow request"));

    add_request(&entry, rq);
    log_entry_milliseconds(&entry, "database_ms", rq->timing.database);
    log_entry_milliseconds(&entry, "lookup_ms", rq->timing.lookup);
    if (rq->timing.slowest) {
        log_entry_text(&entry, "statement", text_of(rq->timing.slowest));
        log_entry_milliseconds(&entry, "statement_ms", rq->timing.slowest_time);
    }
    if (log_write(room, log_entry_end(&entry)) == 0)
        log_drop(1);
}

void request_log_add(struct request_log *log, const struct request *rq)
{
    enum log_level level = rq->status >= 500 ? LOG_WARNING : LOG_INFO;

    if (log_takes(level))
        add_line(log, rq, level);
    if (rq->duration >= log->settings->slow_request * MILLISECOND && log_takes(LOG_WARNING))
        warn_of_slow(log, rq);
}
