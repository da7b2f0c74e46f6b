#include "common/watch/timing.h"

#include <string.h>

#include "common/base/log_entry.h"
#include "common/http/request.h"
#include "common/serve/worker.h"

void timing_database(struct request *rq, const struct statement *statement, int64_t since)
{
    int64_t time = rq->worker->loop.now - since;

    rq->timing.database += time;
    if (!statement || (rq->timing.slowest && time <= rq->timing.slowest_time))
        return;
    rq->timing.slowest = statement;
    rq->timing.slowest_time = time;
}

void timing_lookup(struct request *rq, int64_t since)
{
    rq->timing.lookup += rq->worker->loop.now - since;
}

static char *print(char *out, const char *name, size_t len, int64_t time)
{
    memcpy(out, name, len);
    return out + len + milliseconds_print(out + len, time);
}

void timing_print(char *out, const struct request *rq)
{
    out = print(out, "db;dur=", 7, rq->timing.database);
    out = print(out, ", lookup;dur=", 13, rq->timing.lookup);
    out = print(out, ", total;dur=", 12, rq->duration);
    *out = '\0';
}
