#include "directory/parts.h"

#include "directory/lookup_call.h"
#include "directory/lookup_plain.h"

static bool open_lookups(struct worker *worker, bool first)
{
    (void)first;
    return lookups_open(worker);
}

static bool reaches_user_progress(struct request *rq, const char **note)
{
    (void)note;
    return lookup_reaches(rq);
}

const struct part directory_lookups = {
    .name = "user_progress",
    .open = open_lookups,
    .close = lookups_close,
    .flush = lookups_flush,
    .ready = reaches_user_progress,
};
