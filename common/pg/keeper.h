/*
 * What is done to a database's tables after they are created, while others write to them.
 *
 * The text of a schema begins with what is created in one transaction before anything is served. A line `--
 * step: KIND NAME` begins one statement that a thread of the process runs afterwards, in order, on
 * connections of its own; only one daemon of a database does so at a time.
 *
 *   lock    in a transaction that waits half a second for a lock, and is tried again 2 s later
 *   index   CREATE INDEX CONCURRENTLY of that name; an invalid one that nobody builds is dropped first
 *   slice   a SELECT of how much is left: again at once while that is above 0, and later once a second
 *
 * Every step finds out by itself whether it is still needed, so that the next start continues one that was
 * interrupted.
 */
#ifndef COMMON_PG_KEEPER_H
#define COMMON_PG_KEEPER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/metric.h"

struct keeper_task {
    const char *url;       /* of the database */
    const char *name;      /* of the service, as PostgreSQL shows it */
    const char *schema;    /* its text */
    bool session_settings; /* settings last for the connection: no pooler gives it to others */
    bool (*ready)(void);   /* whether the schema's first part exists */
    metric *waiting;       /* a gauge of its own: steps still to be done, a running slice included */
};

struct keeper;

/* The length of the text before the first step. */
size_t keeper_first_part(const char *schema);

/* Starts the thread; NULL if there are no steps, or no memory or thread for them, which is logged. */
struct keeper *keeper_start(const struct keeper_task *task);

/*
 * Cancels what runs and waits for the thread's end; if the server does not answer for 5 s, the thread is left
 * to end with the process. NULL is allowed.
 */
void keeper_stop(struct keeper *keeper);

#endif
