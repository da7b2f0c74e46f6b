/* Short turns of the loop: a long computation in a fiber lets the rest of its worker run in between. */
#ifndef COMMON_BASE_TURN_H
#define COMMON_BASE_TURN_H

/*
 * Call it between pieces of work that each take less than a millisecond. If the loop's turn has already taken
 * a few milliseconds, the fiber continues in the next turn. Does nothing outside a fiber. May wait.
 */
void turn_share(void);

#endif
