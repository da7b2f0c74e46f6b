/* Long work in a fiber lets others run in between: its worker, or whoever shares a database with it. */
#ifndef COMMON_BASE_TURN_H
#define COMMON_BASE_TURN_H

#include <stdint.h>

/*
 * Call it between pieces of work that each take less than a millisecond. If the loop's turn has already taken
 * a few milliseconds, the fiber continues in the next turn. Does nothing outside a fiber. May wait.
 */
void turn_share(void);

/*
 * The fiber continues after so many nanoseconds; at once if there is no memory for a timer, or outside a
 * fiber. Waits.
 */
void turn_rest(int64_t nanoseconds);

#endif
