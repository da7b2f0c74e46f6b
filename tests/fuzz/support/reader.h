/* A strict reader of requests and answers (RFC 9112), with which the program's own reading is compared. */
#ifndef TESTS_FUZZ_READER_H
#define TESTS_FUZZ_READER_H

#include <stdbool.h>

#include "common/base/arena.h"
#include "common/base/text.h"

struct reader {
    struct text left;
    struct arena arena;
    bool ended; /* what is left is no request */
};

struct read_request {
    struct text method, target, body;
};

void reader_open(struct reader *reader, struct text bytes);
void reader_close(struct reader *reader);

/*
 * The next request of the connection; false: the bytes that are left do not begin with a whole one. Empty
 * lines before one are passed over, and so are the ends of lines that are a lone LF within chunks and between
 * requests. What libmicrohttpd 0.9.75 takes for the end of a line or of a header, and does not let the
 * program see, ends them here too (docs/http.md).
 */
bool reader_next(struct reader *reader, struct read_request *read);

/* Holds what was answered to be answers of HTTP, of statuses below 500 or 505, each as long as it says. */
void reader_check_answers(struct text bytes);

#endif
