/* Turns a redirect of User Progress into one that a client of another service can follow. */
#ifndef DIRECTORY_REFERENCE_H
#define DIRECTORY_REFERENCE_H

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/text.h"

/*
 * A reference relative to the path that was asked for (RFC 3986, section 4.2), so that it is right on another
 * port and behind any prefix that a proxy removes. `location` is what the service at `base` answered to
 * `path`; one that is already relative is not changed. In the arena; NULL when that is exhausted.
 */
const char *reference_relative(struct arena *arena, const char *base, struct text path,
                               const char *location) MUST_CHECK;

#endif
