/*
 * The target of a request (RFC 9112, section 3.2): which characters it may have, and where its path, its
 * query and the query's parameters are.
 */
#ifndef COMMON_HTTP_TARGET_H
#define COMMON_HTTP_TARGET_H

#include <stdbool.h>

#include "common/base/declare.h"
#include "common/base/text.h"

/*
 * Splits a target into the raw path and the raw query, which is null if there is none; of an absolute form,
 * what follows the authority is used. False: it is neither form, or has a control character, a space, DEL or
 * `#`, which two servers may read differently.
 */
bool target_split(struct text target, struct text *path, struct text *query) MUST_CHECK;

#define PARAMETERS_MAX 64 /* of a query; those after them are not read */

/* Takes the next parameter off a raw query; without `=` its value is empty. False: there is none. */
bool target_take_parameter(struct text *query, struct text *name, struct text *value) MUST_CHECK;

/*
 * Whether a raw path has a segment `.` or `..`, percent-encoded or not: some servers read it as a different
 * path.
 */
bool target_has_dots(struct text raw_path);

#endif
