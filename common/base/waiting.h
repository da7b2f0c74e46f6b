/*
 * Queues of what waits for its turn, each member until a deadline of its own.
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
    struct timer timer; /* of its deadline; first, for the timer's callback gets it */
    struct waiting *previous, *next;
    struct waiting_queue *queue; /* NULL: it does not wait */
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
 * Puts a member that waits nowhere at the end, until `deadline` (monotonic, nanoseconds; one that is past is
 * late in the loop's next turn). False: the queue is full, or there is no memory for the timer.
 */
bool waiting_join(struct waiting_queue *queue, struct waiting *waiting, int64_t deadline);

/* The same in front of all others, for one whose turn did not succeed: the limit does not hold. */
bool waiting_rejoin(struct waiting_queue *queue, struct waiting *waiting, int64_t deadline);

/* Takes the first out; NULL when the queue is empty. */
struct waiting *waiting_next(struct waiting_queue *queue);

/* Takes one out, wherever it stands; nothing where it does not wait. */
void waiting_leave(struct waiting *waiting);

#endif
