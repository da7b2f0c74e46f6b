/* The decompressed body of a request (RFC 9110, section 8.4). */
#ifndef COMMON_HTTP_BODY_H
#define COMMON_HTTP_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/declare.h"

struct request;

/*
 * Expands a body that was sent as gzip, to at most `limit` bytes; false: the reply is 413, 400, 415 or 503.
 * `one`: there is nothing after the first member.
 */
bool body_decode(struct request *rq, size_t limit, bool one) MUST_CHECK;

#endif
