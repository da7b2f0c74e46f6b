/*
 * Lookups where User Progress is the original: one plain GET each.
 */
#ifndef DIRECTORY_LOOKUP_PLAIN_H
#define DIRECTORY_LOOKUP_PLAIN_H

#include "common/base/declare.h"
#include "directory/lookup_call.h"

/*
 * Asks for one name after the other; false when something cannot be known. What cannot exist, or has no
 * address, is left as it stands: as nothing. Waits.
 */
bool lookup_plain(struct question *question) MUST_CHECK;

/* Whether User Progress answers at all. Waits. */
bool lookup_reaches(struct request *rq) MUST_CHECK;

#endif
