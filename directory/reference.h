/*
 * Where User Progress redirects to, as a client of another service can follow it.
 */
#ifndef DIRECTORY_REFERENCE_H
#define DIRECTORY_REFERENCE_H

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/text.h"

/*
 * A reference relative to the path that was asked for (RFC 3986, section 4.2), so that it holds on another
 * port and behind any prefix that a proxy has taken off. `location` is what the service at `base` answered to
 * `path`; one that is relative already stays as it is. In the arena; NULL when that is exhausted.
 */
const char *reference_relative(struct arena *arena, const char *base, struct text path,
                               const char *location) MUST_CHECK;

#endif
