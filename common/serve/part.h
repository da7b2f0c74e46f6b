/*
 * Parts of a worker that have a life of their own: the database, the client, lookups and the like.
 *
 * A worker has those of every service (parts.c) and those that its api lists. They are opened in that order,
 * before any worker's thread starts, and closed in the opposite one. What a part does not need is NULL.
 */
#ifndef COMMON_SERVE_PART_H
#define COMMON_SERVE_PART_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/declare.h"
#include "common/table/api.h"

struct request;
struct worker;

struct part {
    const char *name; /* in the answer of /readyz */

    /* False when memory is exhausted. `first` is true for one worker of the process. */
    bool (*open)(struct worker *worker, bool first);
    void (*close)(struct worker *worker);

    /* Sends what has been gathered, twice per turn: what came from elsewhere, then what came by HTTP. */
    void (*flush)(struct worker *worker);
    /* The end of a turn. */
    void (*end_turn)(struct worker *worker);

    /*
     * Whether the part does its work; `*note` is what /readyz says of it, a static text that is "ok" or
     * "unavailable" unless it is set. May wait. /readyz is 503 where a part that is `needed` is not ready.
     */
    bool (*ready)(struct request *rq, const char **note);
    const char *needed; /* the detail of that answer; NULL: the service goes on without it */
};

/* The database, which a command has without the others. */
extern const struct part part_database;

/* The parts of a worker, those of every service first; NULL after the last. */
const struct part *part_at(const struct api *api, size_t i);

/* Opens all parts; false when memory is exhausted. */
bool parts_open(struct worker *worker, bool first) MUST_CHECK;
void parts_close(struct worker *worker);
void parts_flush(struct worker *worker);
void parts_end_turn(struct worker *worker);

#endif
