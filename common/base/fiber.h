/*
 * Fibers: how a handler is suspended while it waits and resumed afterwards.
 *
 * A fiber is one small stack with a guard page below it. Fibers run on the loop's thread only, one at a time:
 * started or resumed by the loop, they run until they wait or end. A pool belongs to one worker and keeps
 * free stacks for the next requests.
 */
#ifndef COMMON_BASE_FIBER_H
#define COMMON_BASE_FIBER_H

#include <stdbool.h>
#include <stddef.h>

#define FIBER_IDLE_MIN 192 /* free stacks that an idle pool keeps mapped */

struct fiber;

struct fiber_pool {
    struct fiber *idle;
    size_t idle_count;
    size_t running; /* started and not ended */
    size_t limit;   /* the most that may run */
    size_t peak;    /* the most that ran at once since the last trim */
};

/*
 * Runs `entry(arg)` in a fiber until it first waits or ends. False when `limit` fibers are running or memory
 * is exhausted; nothing has run then. Must be called outside of any fiber.
 */
bool fiber_start(struct fiber_pool *pool, void (*entry)(void *arg), void *arg);

/* The fiber that runs now; NULL on the loop's own stack. */
struct fiber *fiber_current(void);

/* Suspends the current fiber until fiber_resume. */
void fiber_wait(void);

/* Resumes a waiting fiber until it waits or ends. Must be called outside of any fiber. */
void fiber_resume(struct fiber *fiber);

/* Unmaps free stacks until as many are left as ran at once since the last call. */
void fiber_pool_trim(struct fiber_pool *pool);

/* Unmaps the free stacks; none may be running. */
void fiber_pool_free(struct fiber_pool *pool);

#endif
