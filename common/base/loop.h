/*
 * The event loop of a worker: one epoll, timers on the monotonic clock.
 *
 * A loop belongs to one thread; nothing here is shared. Watches and timers are embedded in their owners.
 */
#ifndef COMMON_BASE_LOOP_H
#define COMMON_BASE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/moment.h"

#define LOOP_EVENTS 256 /* the most that one turn takes from the kernel */

#define MICROSECOND ((int64_t)1000) /* in nanoseconds, the unit of all times and waits */
#define MILLISECOND (1000 * MICROSECOND)
#define SECOND      (1000 * MILLISECOND)

struct watch {
    int fd;
    uint32_t events; /* EPOLLIN, EPOLLOUT; 0: not watched */
    void (*ready)(struct watch *watch, uint32_t events);
};

struct timer {
    int64_t at;   /* monotonic, nanoseconds */
    size_t place; /* in the heap, from 1; 0: not set */
    void (*fire)(struct timer *timer);
};

struct loop {
    int epoll;
    int64_t now; /* monotonic, nanoseconds: taken once per turn */
    struct timer **heap;
    size_t timers, heap_size;
    bool quiet; /* the last turn had no events */
    bool gone;  /* a watch was removed in this turn: what the kernel said before may be stale */
};

/* Opens the epoll; false with errno set. */
bool loop_open(struct loop *loop);
void loop_close(struct loop *loop);

/* Sets which events of a descriptor are watched; 0 removes it. False with errno set: the kernel refused. */
bool loop_watch(struct loop *loop, struct watch *watch, uint32_t events);

/* Removes a descriptor before its owner closes it. */
void loop_unwatch(struct loop *loop, struct watch *watch);

/* Sets or moves a timer; false when memory is exhausted. */
bool timer_set(struct loop *loop, struct timer *timer, int64_t at);
void timer_cancel(struct loop *loop, struct timer *timer);

/* One turn: waits at most `wait` nanoseconds (less when a timer is due), then calls what is ready and what is
 * due. */
void loop_turn(struct loop *loop, int64_t wait);

/* The loop that the calling thread runs, or ran last; NULL: none. */
struct loop *loop_running(void);

/* The monotonic clock in nanoseconds. */
int64_t clock_monotonic(void);

/* The wall clock. */
struct moment clock_of_day(void);

#endif
