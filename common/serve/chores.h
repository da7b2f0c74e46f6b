/*
 * What a daemon does by itself for the tables that every service has: from time to time, in one worker.
 */
#ifndef COMMON_SERVE_CHORES_H
#define COMMON_SERVE_CHORES_H

struct request;

/* Deletes what is kept for a day only, and looks how many ids each table has left. Waits. */
void chores_run(struct request *rq);

#endif
