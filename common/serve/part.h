/*
 * Parts of a worker that are opened, flushed and closed with it: the database, the client, lookups and
 * others.
 *
 * A worker has the parts of every service (parts.c) and those that its api lists. They are opened in that
 * order, before any worker's thread starts, and closed in reverse order. A function that a part does not need
 * is NULL.
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
    /*
     * Reads what requests will need, in one worker of the process once the database is ready; again later if
     * it returns false. The request is no client's. Waits.
     */
    bool (*prepare)(struct request *rq);

    /* Sends what was queued; twice per turn: after the events of other sockets, and after HTTP. */
    void (*flush)(struct worker *worker);
    /* The end of a turn. */
    void (*end_turn)(struct worker *worker);

    /*
     * Whether the part works; `*note` is its state in the answer of /readyz, a static text: "ok" or
     * "unavailable" if it is not set. May wait. /readyz is 503 if a part that is `needed` is not ready.
     */
    bool (*ready)(struct request *rq, const char **note);
    const char *needed; /* the detail of that answer; NULL: the service works without the part */
};

/* The database: the only part that a command has. */
extern const struct part part_database;

/* A part of a worker by its index, those of every service first; NULL after the last. */
const struct part *part_at(const struct api *api, size_t i);

/* Opens all parts; false when memory is exhausted. */
bool parts_open(struct worker *worker, bool first) MUST_CHECK;
void parts_close(struct worker *worker);

/* Prepares all parts; false if one is to be prepared again. Waits. */
bool parts_prepare(struct request *rq) MUST_CHECK;

void parts_flush(struct worker *worker);
void parts_end_turn(struct worker *worker);

#endif
