#include "common/base/waiting.h"

static void deadline_passed(struct timer *timer)
{
    struct waiting *waiting = (struct waiting *)timer;
    struct waiting_queue *queue = waiting->queue;

    waiting_leave(waiting);
    queue->late(waiting);
}

void waiting_open(struct waiting_queue *queue, struct loop *loop, size_t limit,
                  void (*late)(struct waiting *waiting))
{
    *queue = (struct waiting_queue){.loop = loop, .limit = limit, .late = late};
}

static bool join(struct waiting_queue *queue, struct waiting *waiting, struct waiting *previous,
                 int64_t deadline)
{
    struct waiting *next = previous ? previous->next : queue->first;

    *waiting = (struct waiting){.timer.fire = deadline_passed};
    if (!timer_set(queue->loop, &waiting->timer, deadline))
        return false;
    waiting->queue = queue;
    waiting->previous = previous;
    waiting->next = next;
    *(previous ? &previous->next : &queue->first) = waiting;
    *(next ? &next->previous : &queue->last) = waiting;
    queue->length++;
    return true;
}

bool waiting_join(struct waiting_queue *queue, struct waiting *waiting, int64_t deadline)
{
    return queue->length < queue->limit && join(queue, waiting, queue->last, deadline);
}

bool waiting_rejoin(struct waiting_queue *queue, struct waiting *waiting, int64_t deadline)
{
    return join(queue, waiting, NULL, deadline);
}

struct waiting *waiting_next(struct waiting_queue *queue)
{
    struct waiting *first = queue->first;

    if (first)
        waiting_leave(first);
    return first;
}

void waiting_leave(struct waiting *waiting)
{
    struct waiting_queue *queue = waiting->queue;

    if (!queue)
        return;
    timer_cancel(queue->loop, &waiting->timer);
    *(waiting->previous ? &waiting->previous->next : &queue->first) = waiting->next;
    *(waiting->next ? &waiting->next->previous : &queue->last) = waiting->previous;
    waiting->queue = NULL;
    waiting->previous = waiting->next = NULL;
    queue->length--;
}
