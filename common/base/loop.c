#include "common/base/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static _Thread_local struct loop *running;

int64_t clock_monotonic(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

struct moment clock_of_day(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (struct moment){t.tv_sec * MOMENT_SECOND + t.tv_nsec / 1000};
}

bool loop_open(struct loop *loop)
{
    *loop = (struct loop){.epoll = epoll_create1(EPOLL_CLOEXEC), .now = clock_monotonic()};
    return loop->epoll >= 0;
}

void loop_close(struct loop *loop)
{
    if (running == loop)
        running = NULL;
    free(loop->heap);
    close(loop->epoll);
}

bool loop_watch(struct loop *loop, struct watch *watch, uint32_t events)
{
    if (watch->events == events)
        return true;
    struct epoll_event event = {.events = events, .data.ptr = watch};
    int op = !events ? EPOLL_CTL_DEL : watch->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(loop->epoll, op, watch->fd, &event) != 0)
        return false;
    watch->events = events;
    return true;
}

void loop_unwatch(struct loop *loop, struct watch *watch)
{
    if (!watch->events)
        return;
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL); /* fails only if it is not watched any more */
    watch->events = 0;
    loop->gone = true;
}

static void place(struct loop *loop, struct timer *timer, size_t at)
{
    loop->heap[at] = timer;
    timer->place = at;
}

static void sift(struct loop *loop, struct timer *timer, size_t at)
{
    while (at > 1 && loop->heap[at / 2]->at > timer->at) {
        place(loop, loop->heap[at / 2], at);
        at /= 2;
    }
    for (;;) {
        size_t child = at * 2;
        if (child > loop->timers)
            break;
        if (child < loop->timers && loop->heap[child + 1]->at < loop->heap[child]->at)
            child++;
        if (loop->heap[child]->at >= timer->at)
            break;
        place(loop, loop->heap[child], at);
        at = child;
    }
    place(loop, timer, at);
}

bool timer_set(struct loop *loop, struct timer *timer, int64_t at)
{
    timer->at = at;
    if (timer->place) {
        sift(loop, timer, timer->place);
        return true;
    }
    if (loop->timers + 1 >= loop->heap_size) {
        size_t size = loop->heap_size ? loop->heap_size * 2 : 64;
        struct timer **heap = realloc(loop->heap, size * sizeof(*heap));
        if (!heap)
            return false;
        loop->heap = heap;
        loop->heap_size = size;
    }
    loop->timers++;
    sift(loop, timer, loop->timers);
    return true;
}

void timer_cancel(struct loop *loop, struct timer *timer)
{
    size_t at = timer->place;

    if (!at)
        return;
    timer->place = 0;
    struct timer *last = loop->heap[loop->timers--];
    if (last != timer)
        sift(loop, last, at);
}

static void fire_due(struct loop *loop)
{
    while (loop->timers && loop->heap[1]->at <= loop->now) {
        struct timer *timer = loop->heap[1];
        timer_cancel(loop, timer);
        timer->fire(timer);
    }
}

struct loop *loop_running(void)
{
    return running;
}

void loop_turn(struct loop *loop, int64_t wait)
{
    struct epoll_event events[LOOP_EVENTS];
    int64_t due = loop->timers ? loop->heap[1]->at - clock_monotonic() : wait;
    int64_t nanoseconds = due < wait ? due : wait;
    int milliseconds = nanoseconds <= 0 ? 0 : (int)((nanoseconds + MILLISECOND - 1) / MILLISECOND);

    int count = epoll_wait(loop->epoll, events, LOOP_EVENTS, milliseconds);
    running = loop;
    loop->now = clock_monotonic();
    loop->gone = false;
    loop->quiet = count <= 0;
    for (int i = 0; i < count; i++) {
        struct watch *watch = events[i].data.ptr;
        watch->ready(watch, events[i].events);
        /*
         * A handler that removed a descriptor may have freed its owner: ask the kernel again
         * (level-triggered).
         */
        if (loop->gone)
            break;
    }
    fire_due(loop);
}
