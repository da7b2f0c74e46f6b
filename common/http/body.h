/*
 * The body of a request as it was before it was compressed (RFC 9110, section 8.4).
 */
#ifndef COMMON_HTTP_BODY_H
#define COMMON_HTTP_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/declare.h"

struct request;

/* Expands a body that came as gzip, to at most `limit` bytes; false: 413, 400, 415 or 503 is the reply. */
bool body_decode(struct request *rq, size_t limit) MUST_CHECK;

#endif
