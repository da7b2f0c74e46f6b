/*
 * `user-progress verify`: replays every event of the progress log and proves that the entries as they stand
 * now follow from them.
 */
#ifndef USER_PROGRESS_VERIFY_H
#define USER_PROGRESS_VERIFY_H

#include "common/table/api.h"

/* Prints what differs, a line each, and a last line that counts. Returns what main does: 0 where nothing
 * differs, 1 where something does, 2 where the database could not be read. Memory is bounded. */
int verify_run(const struct settings *settings, const struct api *api);

#endif
