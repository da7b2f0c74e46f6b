/*
 * Cross-origin requests, as the original's Starlette middleware answers them (the Fetch standard,
 * section 3.2).
 */
#ifndef COMMON_HTTP_CORS_H
#define COMMON_HTTP_CORS_H

#include <stdbool.h>

struct request;

/* Answers a preflight; false when the request is none. */
bool cors_preflight(struct request *rq);

/* Adds the headers that an answer to an allowed origin has. */
void cors_headers(struct request *rq);

#endif
