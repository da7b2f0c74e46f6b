/*
 * A proxy between a link and PostgreSQL that breaks the connection at a chosen message (PostgreSQL manual,
 * chapter "Frontend/Backend Protocol").
 */
#ifndef TESTS_PROXY_H
#define TESTS_PROXY_H

enum proxy_fault {
    PROXY_NONE,
    PROXY_CUT_BEFORE_RUN,   /* the Flush of a batch that writes is not passed on */
    PROXY_CUT_RESULTS,      /* it was run, its results are not passed on */
    PROXY_CUT_BEFORE_SYNC,  /* the Sync that commits is not passed on */
    PROXY_CUT_AFTER_SYNC,   /* it was carried out, its answer is not passed on */
    PROXY_LEAVE_AFTER_SYNC, /* the client is cut off while the server is still at it */
    PROXY_FATAL_AFTER_SYNC, /* it was carried out, the client is told of a fatal error */
    PROXY_MUTE_AFTER_SYNC,  /* it was carried out, the client hears nothing and stays connected */
    PROXY_DEAF_AFTER_SYNC,  /* as PROXY_CUT_AFTER_SYNC; the next connections are taken and never answered */
    PROXY_MUTE_AT_SETUP,    /* the answer to the first query is not passed on, nor anything after it */
    PROXY_LATE_READY,       /* after an error, ReadyForQuery comes some time later */
};

/* Starts it, in a thread of its own; returns its port on 127.0.0.1. */
int proxy_open(void);
void proxy_close(void);

/* The next `times` occasions are used for the fault; 0 times: never. */
void proxy_set(enum proxy_fault fault, int times);

/* Occasions that are left. */
int proxy_left(void);

#endif
