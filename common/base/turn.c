#include "common/base/turn.h"

#include "common/base/declare.h"
#include "common/base/fiber.h"
#include "common/base/loop.h"

#define TURN_LONG (3 * MILLISECOND) /* after this time a turn is shared */

/* On the stack of the fiber that waits. */
struct pause {
    struct timer timer;
    struct fiber *fiber;
};

static void go_on(struct timer *timer)
{
    fiber_resume(container_of(timer, struct pause, timer)->fiber);
}

void turn_rest(int64_t nanoseconds)
{
    struct loop *loop = loop_running();
    struct pause pause = {.timer.fire = go_on, .fiber = fiber_current()};

    if (loop && pause.fiber && timer_set(loop, &pause.timer, loop->now + nanoseconds))
        fiber_wait();
}

void turn_share(void)
{
    const struct loop *loop = loop_running();

    if (loop && clock_monotonic() - loop->now >= TURN_LONG)
        turn_rest(1); /* until the next turn */
}
