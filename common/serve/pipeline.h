/*
 * The way of a request from its header and body to its answer.
 */
#ifndef COMMON_SERVE_PIPELINE_H
#define COMMON_SERVE_PIPELINE_H

struct request;

/* Takes a request that is whole; it is answered at once, or later from a fiber. */
void pipeline_take(struct request *rq);

/* The one exit of every answer: what a request has as its reply gets its headers, is logged, counted and
 * sent. */
void pipeline_leave(struct request *rq);

#endif
