/*
 * What follows a failed statement, by its SQLSTATE (PostgreSQL manual, appendix A).
 */
#ifndef COMMON_PG_REMEDY_H
#define COMMON_PG_REMEDY_H

#include <stdbool.h>

enum remedy {
    REMEDY_NONE,      /* it has failed for good */
    REMEDY_CONFLICT,  /* a constraint refused it */
    REMEDY_ALONE,     /* run the calls of the batch one by one */
    REMEDY_AGAIN,     /* run them once more */
    REMEDY_PREPARE,   /* the same, with statements prepared again */
    REMEDY_LOOK,      /* the same, on a new connection that looks at the schema again */
    REMEDY_RECONNECT, /* the same, on a new connection */
};

/* `alone`: no other call can have been the cause. */
enum remedy remedy_for(const char *sqlstate, bool alone);

#endif
