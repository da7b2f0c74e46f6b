/* The event loop: timers in their order, watches that go while others are called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/declare.h"
#include "common/base/fiber.h"
#include "common/base/loop.h"
#include "common/base/turn.h"

#define TIMERS 500

static struct loop loop;

static int open_loop(void **state)
{
    (void)state;
    return loop_open(&loop) ? 0 : -1;
}

static int close_loop(void **state)
{
    (void)state;
    loop_close(&loop);
    return 0;
}

struct alarm {
    struct timer timer;
    int fired;
};

static int64_t last_fired;
static int fired_count;

static void note(struct timer *timer)
{
    struct alarm *alarm = container_of(timer, struct alarm, timer);

    assert_int_equal(timer->place, 0);
    assert_true(timer->at <= loop.now);
    assert_true(timer->at >= last_fired);
    last_fired = timer->at;
    alarm->fired++;
    fired_count++;
}

static int begin(void **state)
{
    last_fired = INT64_MIN;
    fired_count = 0;
    return open_loop(state);
}

static void timers_fire_in_the_order_of_their_times(void **state)
{
    static struct alarm alarms[TIMERS];
    bool awaited[TIMERS];

    (void)state;
    for (unsigned seed = 1; seed <= 20; seed++) {
        srandom(seed);
        for (int i = 0; i < TIMERS; i++) {
            alarms[i] = (struct alarm){.timer.fire = note};
            assert_true(timer_set(&loop, &alarms[i].timer, loop.now - random() % 1000));
            awaited[i] = true;
        }
        for (int i = 0; i < TIMERS; i++) { /* some are moved, into the past or the future; some cancelled */
            int which = (int)(random() % TIMERS);
            if (random() % 3) {
                awaited[which] = random() % 2;
                int64_t away = awaited[which] ? -(random() % 1000) : (1 + random() % 1000) * SECOND;
                assert_true(timer_set(&loop, &alarms[which].timer, loop.now + away));
            } else {
                timer_cancel(&loop, &alarms[which].timer);
                awaited[which] = false;
            }
        }
        last_fired = INT64_MIN;
        loop_turn(&loop, 0);
        for (int i = 0; i < TIMERS; i++) {
            assert_int_equal(alarms[i].fired, awaited[i]);
            timer_cancel(&loop, &alarms[i].timer);
        }
        assert_int_equal(loop.timers, 0);
    }
}

static void a_turn_ends_when_a_timer_is_due(void **state)
{
    struct alarm alarm = {.timer.fire = note};
    int64_t before = clock_monotonic();

    (void)state;
    assert_true(timer_set(&loop, &alarm.timer, loop.now + 20 * MILLISECOND));
    while (!alarm.fired)
        loop_turn(&loop, 100 * SECOND);
    assert_true(clock_monotonic() - before >= 20 * MILLISECOND);
    assert_true(clock_monotonic() - before < 50 * SECOND);
}

/* The turn before took longer than the timer, and no event comes. */
static void a_timer_that_is_due_is_not_waited_for(void **state)
{
    struct alarm alarm = {.timer.fire = note};

    (void)state;
    loop_turn(&loop, 0);
    int64_t before = loop.now;
    loop.now -= 100 * SECOND;
    assert_true(timer_set(&loop, &alarm.timer, loop.now + 50 * SECOND));
    loop_turn(&loop, 100 * SECOND);
    assert_int_equal(alarm.fired, 1);
    assert_true(clock_monotonic() - before < 40 * SECOND);
}

static void cancelling_a_timer_that_is_not_set_does_nothing(void **state)
{
    struct alarm alarm = {.timer.fire = note}, other = {.timer.fire = note};

    (void)state;
    assert_true(timer_set(&loop, &other.timer, loop.now));
    timer_cancel(&loop, &alarm.timer);
    loop_turn(&loop, 0);
    assert_int_equal(alarm.fired, 0);
    assert_int_equal(other.fired, 1);
    timer_cancel(&loop, &other.timer);
}

static struct alarm *victim;

static void cancel_victim(struct timer *timer)
{
    note(timer);
    timer_cancel(&loop, &victim->timer);
    free(victim);
}

static void a_timer_may_cancel_another_that_is_due_too(void **state)
{
    struct alarm first = {.timer.fire = cancel_victim};

    (void)state;
    victim = calloc(1, sizeof(*victim));
    assert_non_null(victim);
    victim->timer.fire = note;
    assert_true(timer_set(&loop, &victim->timer, loop.now));
    assert_true(timer_set(&loop, &first.timer, loop.now - 1));
    loop_turn(&loop, 0);
    assert_int_equal(fired_count, 1);
}

static void set_again(struct timer *timer)
{
    note(timer);
    assert_true(timer_set(&loop, timer, loop.now + 1000 * SECOND));
}

static void a_timer_may_set_itself_again(void **state)
{
    struct alarm alarm = {.timer.fire = set_again};

    (void)state;
    assert_true(timer_set(&loop, &alarm.timer, loop.now));
    loop_turn(&loop, 0);
    loop_turn(&loop, 0);
    assert_int_equal(alarm.fired, 1);
    assert_int_not_equal(alarm.timer.place, 0);
    timer_cancel(&loop, &alarm.timer);
}

struct bell {
    struct watch watch;
    struct bell *silences;
    int rung;
};

static void ring(struct watch *watch, uint32_t events)
{
    struct bell *bell = container_of(watch, struct bell, watch);

    assert_true(events & EPOLLIN);
    bell->rung++;
    if (bell->silences) {
        loop_unwatch(&loop, &bell->silences->watch);
        close(bell->silences->watch.fd);
        free(bell->silences);
        bell->silences = NULL;
    }
}

static struct bell *new_bell(void)
{
    struct bell *bell = calloc(1, sizeof(*bell));

    assert_non_null(bell);
    bell->watch = (struct watch){.fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK), .ready = ring};
    assert_true(bell->watch.fd >= 0);
    assert_true(loop_watch(&loop, &bell->watch, EPOLLIN));
    return bell;
}

static void free_bell(struct bell *bell)
{
    loop_unwatch(&loop, &bell->watch);
    close(bell->watch.fd);
    free(bell);
}

static void a_ready_watch_is_called_every_turn_until_it_is_removed(void **state)
{
    struct bell *bell = new_bell();

    (void)state;
    loop_turn(&loop, SECOND);
    loop_turn(&loop, SECOND);
    assert_int_equal(bell->rung, 2);
    assert_true(loop_watch(&loop, &bell->watch, 0));
    loop_turn(&loop, 0);
    assert_int_equal(bell->rung, 2);
    free_bell(bell);
}

/* Both are ready in one answer of the kernel's; the one that is called first takes the other out and frees
 * it. */
static void a_watch_removed_by_another_is_not_called_any_more(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        struct bell *a = new_bell(), *b = new_bell(), *third = new_bell();
        a->silences = round ? NULL : b;
        b->silences = round ? a : NULL;
        struct bell *left = round ? b : a;
        loop_turn(&loop, SECOND);
        while (left->silences)
            loop_turn(&loop, SECOND);
        int rung = left->rung, third_rung = third->rung;
        loop_turn(&loop, SECOND);
        assert_int_equal(left->rung, rung + 1);
        assert_int_equal(third->rung, third_rung + 1);
        free_bell(left);
        free_bell(third);
    }
}

static void unwatch_oneself(struct watch *watch, uint32_t events)
{
    ring(watch, events);
    loop_unwatch(&loop, watch);
}

static void a_watch_may_remove_itself(void **state)
{
    struct bell *bell = new_bell();

    (void)state;
    bell->watch.ready = unwatch_oneself;
    loop_turn(&loop, SECOND);
    loop_turn(&loop, 0);
    assert_int_equal(bell->rung, 1);
    free_bell(bell);
}

static void rest(void *arg)
{
    int64_t *rested = arg;

    *rested = -loop.now;
    turn_rest(20 * MILLISECOND);
    *rested += loop.now;
}

static void a_fiber_rests_at_least_as_long_as_it_asked_while_the_loop_runs(void **state)
{
    struct fiber_pool pool = {.limit = 1};
    int64_t rested = 0;
    int turns = 0;

    (void)state;
    loop_turn(&loop, 0); /* so that it knows the time, and that this thread runs it */
    assert_true(fiber_start(&pool, rest, &rested));
    for (; pool.running && turns < 1000; turns++)
        loop_turn(&loop, MILLISECOND);
    assert_true(turns >= 2);
    assert_true(rested >= 20 * MILLISECOND);
    fiber_pool_free(&pool);
}

static void a_refusal_of_the_kernel_is_reported(void **state)
{
    struct watch closed = {.fd = -1, .ready = ring};

    (void)state;
    assert_false(loop_watch(&loop, &closed, EPOLLIN));
    assert_int_equal(closed.events, 0);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, close_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(timers_fire_in_the_order_of_their_times),
        test(a_turn_ends_when_a_timer_is_due),
        test(a_timer_that_is_due_is_not_waited_for),
        test(cancelling_a_timer_that_is_not_set_does_nothing),
        test(a_timer_may_cancel_another_that_is_due_too),
        test(a_timer_may_set_itself_again),
        test(a_ready_watch_is_called_every_turn_until_it_is_removed),
        test(a_watch_removed_by_another_is_not_called_any_more),
        test(a_watch_may_remove_itself),
        test(a_fiber_rests_at_least_as_long_as_it_asked_while_the_loop_runs),
        test(a_refusal_of_the_kernel_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
