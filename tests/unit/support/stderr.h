/*
 * What a piece of code writes to stderr, for a test to look at.
 */
#ifndef TESTS_STDERR_H
#define TESTS_STDERR_H

/* From here on stderr is kept. */
void stderr_keep(void);

/* Gives stderr back; what was written since. The next call overwrites it. */
const char *stderr_kept(void);

#endif
