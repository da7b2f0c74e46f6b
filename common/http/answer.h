/*
 * What an answer gets when its handler is done: an entity tag, compression.
 */
#ifndef COMMON_HTTP_ANSWER_H
#define COMMON_HTTP_ANSWER_H

struct request;

/* Tags and compresses the answer where that pays. */
void answer_finish(struct request *rq);

#endif
