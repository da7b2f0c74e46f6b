/*
 * The input of a request: its decompressed body; its path, query and body as the structs that the endpoint's
 * shapes describe.
 */
#ifndef COMMON_SERVE_INPUT_H
#define COMMON_SERVE_INPUT_H

#include <stdbool.h>

#include "common/base/declare.h"

struct request;

/* Reads all of it; false: the reply is 400, 404, 413, 415, 422 with every fault, or 503. Does not wait. */
bool input_read(struct request *rq) MUST_CHECK;

#endif
