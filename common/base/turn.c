#include "common/base/turn.h"

#include "common/base/declare.h"
#include "common/base/fiber.h"
#include "common/base/loop.h"

#define TURN_LONG (3 * MILLISECOND) /* after this time a turn is shared */

/* On the stack of the fiber that waits. */
struct sharing {
    struct timer timer;
    struct fiber *fiber;
};

static void go_on(struct timer *timer)
{
    fiber_resume(container_of(timer, struct sharing, timer)->fiber);
}

void turn_share(void)
{
    struct loop *loop = loop_running();
    struct sharing sharing = {.timer.fire = go_on, .fiber = fiber_current()};

    if (!loop || !sharing.fiber || clock_monotonic() - loop->now < TURN_LONG)
        return;
    /*
     * Fires in the next turn. If there is no memory for the timer, the fiber continues and this turn is
     * longer.
     */
    if (timer_set(loop, &sharing.timer, loop->now + 1))
        fiber_wait();
}
