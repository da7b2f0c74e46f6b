#include "common/base/log.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/iso8601.h"
#include "common/base/loop.h"

static struct {
    const char *service;
    enum log_level level;
    bool plain, file;
} own = {"", LOG_INFO, false, false};

static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint64_t dropped;

void log_start(const char *service, enum log_level level)
{
    struct stat status;

    own.service = service;
    own.level = level;
    own.plain = isatty(STDERR_FILENO) == 1;
    own.file = fstat(STDERR_FILENO, &status) == 0 && S_ISREG(status.st_mode);
}

bool log_takes(enum log_level level)
{
    return level >= own.level;
}

void log_drop(uint64_t lines)
{
    atomic_fetch_add_explicit(&dropped, lines, memory_order_relaxed);
}

uint64_t log_dropped(void)
{
    return atomic_load_explicit(&dropped, memory_order_relaxed);
}

/*
 * How many bytes can be written without blocking. A pipe that is ready takes PIPE_BUF bytes in one piece
 * (pipe(7)); it is not made non-blocking, because other processes may share it. A file is always ready.
 */
static size_t writable(const char *lines, size_t len)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

    if (own.file)
        return len;
    if (poll(&out, 1, 0) != 1 || !(out.revents & POLLOUT))
        return 0;
    if (len <= PIPE_BUF)
        return len;
    const char *last = memrchr(lines, '\n', PIPE_BUF);
    return last ? (size_t)(last + 1 - lines) : PIPE_BUF;
}

size_t log_write(const char *lines, size_t len)
{
    size_t done = 0;

    pthread_mutex_lock(&writing);
    while (done < len) {
        size_t piece = writable(lines + done, len - done);
        ssize_t written = piece ? write(STDERR_FILENO, lines + done, piece) : 0;
        if (written <= 0)
            break;
        done += (size_t)written;
    }
    pthread_mutex_unlock(&writing);
    return done;
}

struct log_entry log_entry_begin(char *room, struct text time, enum log_level level, struct text event)
{
    return log_entry_start(room, own.plain, time, level, own.service, event);
}

void log_line(enum log_level level, const char *event, ...)
{
    char room[LOG_ENTRY_MAX];
    char time[TIME_TEXT_MAX];
    va_list args;

    if (!log_takes(level))
        return;
    struct text now = {time, time_print(time, clock_of_day(), TIME_Z)};
    struct log_entry entry = log_entry_begin(room, now, level, text_of(event));
    va_start(args, event);
    for (const char *name = va_arg(args, const char *); name; name = va_arg(args, const char *))
        log_entry_masked(&entry, name, text_of(va_arg(args, const char *)));
    va_end(args);
    if (log_write(room, log_entry_end(&entry)) == 0)
        log_drop(1);
}
