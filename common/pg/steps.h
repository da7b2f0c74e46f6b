/*
 * Runs the steps of a schema (script.h) on connections of their own, in the caller's thread, which waits;
 * only one process of a database does so at a time.
 *
 *   lock    in a transaction that waits half a second for a lock, to be tried again 2 s later
 *   index   CREATE INDEX CONCURRENTLY of that name; an invalid one that nobody builds is dropped first
 *   slice   a SELECT of how much is left: again at once while that is above 0
 *
 * Every step finds out by itself whether it is still needed, so that a later run continues one that was
 * interrupted. A role that does not own the tables can only find that all of them are done; slices are
 * functions that it may be granted.
 */
#ifndef COMMON_PG_STEPS_H
#define COMMON_PG_STEPS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/declare.h"
#include "common/base/metric.h"

#define STEPS_TRY_AGAIN 2000 /* milliseconds, after a failure */

struct pg_conn;

struct steps {
    const char *url;       /* of the database */
    const char *name;      /* of the service, as PostgreSQL shows it */
    const char *schema;    /* its text */
    bool session_settings; /* settings last for the connection: no pooler gives it to others */
    metric *waiting;       /* a gauge of its own: steps still to be done, a running slice included */
    int stop;              /* readable once everything shall end; -1: never */
    bool failed;           /* the last step failed for another reason than a lock */
    size_t missing;        /* indexes whose making failed: a row does not fit, or two have the same key */
    bool told;             /* that the role may not do a step */
    unsigned turn;         /* which of the URL's hosts is tried first: after each failure the next one */
    unsigned away;         /* attempts in a row that found no server */
    struct pg_conn *guard, *conn;
};

/* Waits so many milliseconds; false: everything shall end. */
bool steps_rest(const struct steps *steps, int milliseconds);

/*
 * Connects, waits until no other process runs steps, and does all steps except slices. False: not all of them
 * are done, which is logged, or everything shall end. Only indexes may be `missing`: what comes after them
 * does without them. Afterwards another process may run steps.
 */
MUST_CHECK bool steps_run(struct steps *steps);

/* Does slices until none is left, after steps_run; false if one failed. `*any`: whether there are slices. */
MUST_CHECK bool steps_run_slices(struct steps *steps, bool *any);

/* Closes the connections. */
void steps_end(struct steps *steps);

#endif
