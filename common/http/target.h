/*
 * The target of a request (RFC 9112, section 3.2): what may be in it, and where its path and query are.
 */
#ifndef COMMON_HTTP_TARGET_H
#define COMMON_HTTP_TARGET_H

#include <stdbool.h>

#include "common/base/declare.h"
#include "common/base/text.h"

/*
 * Splits a target into raw path and raw query, which is null where there is none; what is behind the
 * authority of an absolute form counts. False: it is neither, or has a control character, a space, DEL or
 * `#`, which two parties would read in two ways.
 */
bool target_split(struct text target, struct text *path, struct text *query) MUST_CHECK;

/* Whether a raw path has a segment `.` or `..`, percent-encoded or not: it means another path to some. */
bool target_has_dots(struct text raw_path);

#endif
