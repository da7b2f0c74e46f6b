/*
 * What a request brings: its body as it was before compression, its path, query and body as the structs that
 * the endpoint's shapes describe.
 */
#ifndef COMMON_SERVE_INPUT_H
#define COMMON_SERVE_INPUT_H

#include <stdbool.h>

#include "common/base/declare.h"

struct request;

/* Reads all of it; false: 400, 404, 413, 415, 422 with every fault, or 503 is the reply. Does not wait. */
bool input_read(struct request *rq) MUST_CHECK;

#endif
