/*
 * Queues whose members wait for their turn, each until a deadline of its own.
 *
 * A queue belongs to one loop and is bounded by `limit`. Members are embedded in their owners: the
 * first gets the next turn (waiting_next); one whose deadline comes before that is taken out and handed to
 * `late`, wherever in the queue it stands. Joining and leaving take O(log n) of the loop's timers.
 */
#ifndef COMMON_BASE_WAITING_H
#define COMMON_BASE_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/loop.h"

struct waiting_queue;

struct waiting {
    struct timer timer; /* of its deadline; first, because the timer's callback gets its address */
    struct waiting *previous, *next;
    struct waiting_queue *queue; /* NULL: it is in no queue */
};

struct waiting_queue {
    struct loop *loop;
    struct waiting *first, *last;
    size_t length, limit;
    void (*late)(struct waiting *waiting); /* it has left the queue; may join another or this one */
};

/* Makes an empty queue. Nothing is allocated. */
void waiting_open(struct waiting_queue *queue, struct loop *loop, size_t limit,
                  void (*late)(struct waiting *waiting));

/*
 * Adds a member that is in no queue at the end, until `deadline` (monotonic, nanoseconds; if it has passed,
 * the member is late in the loop's next turn). False: the queue is full, or there is no memory for the timer.
 */
bool waiting_join(struct waiting_queue *queue, struct waiting *waiting, int64_t deadline);

/* The same in front of all others, for a member whose turn did not succeed: the limit does not apply. */
bool waiting_rejoin(struct waiting_queue *queue, struct waiting *waiting, int64_t deadline);

/* Takes the first out; NULL when the queue is empty. */
struct waiting *waiting_next(struct waiting_queue *queue);

/* Removes a member, wherever it stands; does nothing if it is in no queue. */
void waiting_leave(struct waiting *waiting);

#endif
