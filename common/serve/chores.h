/* What a daemon does from time to time for the tables that every service has, in one worker. */
#ifndef COMMON_SERVE_CHORES_H
#define COMMON_SERVE_CHORES_H

struct request;

/* Deletes what is kept for a day only, and checks how many ids each table has left. Waits. */
void chores_run(struct request *rq);

#endif
