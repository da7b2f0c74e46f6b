/*
 * The thread of a daemon that runs the steps of its schema (steps.h) while the daemon serves, and afterwards
 * a slice once a second.
 */
#ifndef COMMON_PG_KEEPER_H
#define COMMON_PG_KEEPER_H

#include <stdbool.h>

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

/* Starts the thread; NULL if there are no steps, or no memory or thread for them, which is logged. */
struct keeper *keeper_start(const struct keeper_task *task);

/*
 * Cancels what runs and waits for the thread's end; if the server does not answer for 5 s, the thread is left
 * to end with the process. NULL is allowed.
 */
void keeper_stop(struct keeper *keeper);

#endif
