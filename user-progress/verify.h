/*
 * `user-progress verify`: replays every event of the progress log, and checks that the current entries follow
 * from them.
 */
#ifndef USER_PROGRESS_VERIFY_H
#define USER_PROGRESS_VERIFY_H

#include "common/table/api.h"

/*
 * Prints each difference on a line, and a last line with the counts. Returns the exit status: 0 if there are
 * no differences, 1 if there are, 2 if the database cannot be read. Uses bounded memory.
 */
int verify_run(const struct settings *settings, const struct api *api);

#endif
