/* What is added to an answer after its handler: an entity tag, compression. */
#ifndef COMMON_HTTP_ANSWER_H
#define COMMON_HTTP_ANSWER_H

struct request;

/* Tags and compresses the answer where that is worthwhile. */
void answer_finish(struct request *rq);

#endif
