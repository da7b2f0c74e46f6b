/* Paged lists: links to the next and the previous page (RFC 8288), and the total number of rows. */
#ifndef DIRECTORY_PAGING_H
#define DIRECTORY_PAGING_H

#include <stddef.h>

#include "common/base/declare.h"
#include "directory/directory.h"

/* The result of a statement that counts. */
struct total {
    int64_t total;
};

struct request;
struct statement;

/*
 * Adds `Link` for a page of `count` rows and, if the page asks for it, `X-Total-Count` by `count_all` (a
 * statement without parameters that returns a struct total). False: the reply is 503. Waits.
 */
MUST_CHECK bool paging_headers(struct request *rq, const struct page *page, size_t count,
                               const struct statement *count_all);

#endif
