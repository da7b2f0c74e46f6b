/*
 * Which endpoint a request is for.
 */
#ifndef COMMON_SERVE_ROUTE_H
#define COMMON_SERVE_ROUTE_H

#include <stdbool.h>

#include "common/base/declare.h"

struct request;

/*
 * Sets the request's endpoint, route and raw path parameters; false: the reply is a redirect, 404, 405 or
 * 414.
 */
bool route_find(struct request *rq) MUST_CHECK;

#endif
