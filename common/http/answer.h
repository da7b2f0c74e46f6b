/* What is added to an answer after its handler, or when its first part is sent: an entity tag, compression.
 */
#ifndef COMMON_HTTP_ANSWER_H
#define COMMON_HTTP_ANSWER_H

struct request;

/* Tags and compresses the answer if that is worthwhile. */
void answer_finish(struct request *rq);

/* The same for an answer that is sent in parts: it is compressed if the client accepts that. */
void answer_begin(struct request *rq);

#endif
