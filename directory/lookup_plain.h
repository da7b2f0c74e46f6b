/* Lookups if User Progress is the original service: one plain GET for each name. */
#ifndef DIRECTORY_LOOKUP_PLAIN_H
#define DIRECTORY_LOOKUP_PLAIN_H

#include "common/base/declare.h"
#include "directory/lookup_call.h"

/*
 * Looks up one name after the other; false if one cannot be found out. Names that cannot exist, or cannot be
 * in a URL, are left as they are: as not existing. Waits.
 */
bool lookup_plain(struct question *question) MUST_CHECK;

/* Whether User Progress answers at all. Waits. */
bool lookup_reaches(struct request *rq) MUST_CHECK;

#endif
