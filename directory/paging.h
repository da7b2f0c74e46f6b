/*
 * Lists by pages: where the next and the previous one are (RFC 8288), and how many rows there are in all.
 */
#ifndef DIRECTORY_PAGING_H
#define DIRECTORY_PAGING_H

#include <stddef.h>

#include "common/base/declare.h"
#include "directory/directory.h"

/* What a statement that counts answers. */
struct total {
    int64_t total;
};

struct request;
struct statement;

/*
 * Adds `Link` for a page that came back with `count` rows, and `X-Total-Count` by `count_all` (a statement
 * without parameters that answers a struct total) where the page asks for it. False when 503 is the reply.
 * Waits.
 */
MUST_CHECK bool paging_headers(struct request *rq, const struct page *page, size_t count,
                               const struct statement *count_all);

#endif
