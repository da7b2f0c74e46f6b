/*
 * Cross-origin requests, as the original's Starlette middleware answers them (the Fetch standard,
 * section 3.2).
 */
#ifndef COMMON_HTTP_CORS_H
#define COMMON_HTTP_CORS_H

#include <stdbool.h>

#include "common/base/declare.h"

struct request;

/*
 * Replies to a preflight; false if the request is not one. `origins` are those allowed, separated by commas.
 */
bool cors_preflight(struct request *rq, const char *origins) MUST_CHECK;

/* Adds the headers of an answer to an allowed origin. */
void cors_headers(struct request *rq, const char *origins);

#endif
