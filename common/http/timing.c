#include "common/http/timing.h"

#include <string.h>

#include "common/base/log_entry.h"

void timing_database(struct timing *timing, const char *statement, int64_t time)
{
    timing->database += time;
    if (!statement || (timing->slowest && time <= timing->slowest_time))
        return;
    timing->slowest = statement;
    timing->slowest_time = time;
}

static char *print(char *out, const char *name, size_t len, int64_t time)
{
    memcpy(out, name, len);
    return out + len + milliseconds_print(out + len, time);
}

void timing_print(char *out, const struct timing *timing, int64_t total)
{
    out = print(out, "db;dur=", 7, timing->database);
    out = print(out, ", lookup;dur=", 13, timing->lookup);
    out = print(out, ", total;dur=", 12, total);
    *out = '\0';
}
