/* The steps of a request from its header and body to its answer. */
#ifndef COMMON_SERVE_PIPELINE_H
#define COMMON_SERVE_PIPELINE_H

#include <stdint.h>

struct request;

/* The bytes that a request's body may have, by its method and path. */
int64_t pipeline_body_limit(const struct request *rq);

/* Takes a complete request, which is answered at once or later from a fiber. */
void pipeline_take(struct request *rq);

/* Adds what every answer's header has to one that leaves before it is whole. */
void pipeline_begin_answer(struct request *rq);

/* The only exit: adds the headers to a request's reply, logs it, counts it and sends it. */
void pipeline_leave(struct request *rq);

#endif
