/*
 * Lists by pages: where the next and the previous one are (RFC 8288), and how many rows there are in all.
 */
#ifndef DIRECTORY_PAGING_H
#define DIRECTORY_PAGING_H

#include <stddef.h>

#include "directory/directory.h"

struct request;
struct statement;

/*
 * Adds `Link` for a page that came back with `count` rows, and `X-Total-Count` by `total` (a statement
 * without parameters that answers one integer) where the page asks for it. False when 503 is the reply.
 * Waits.
 */
bool paging_headers(struct request *rq, const struct page *page, size_t count, const struct statement *total);

#endif
