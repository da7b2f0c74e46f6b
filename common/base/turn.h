/*
 * Short turns: what computes for long in a fiber lets the rest of its worker run meanwhile.
 */
#ifndef COMMON_BASE_TURN_H
#define COMMON_BASE_TURN_H

/*
 * Called between two pieces of work of less than a millisecond. Where the loop's turn has taken some
 * milliseconds already the fiber goes on in the next turn; outside of a fiber nothing happens. May wait.
 */
void turn_share(void);

#endif
