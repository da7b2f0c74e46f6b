/*
 * Pages of lists: the cursor in the query, and the cursor and the header Link of the next page in the answer.
 *
 * The functions for keys are for lists in an order of their own; list.h has those of a table's rows.
 */
#ifndef COMMON_ITEMS_PAGE_H
#define COMMON_ITEMS_PAGE_H

#include "common/items/cursor.h"
#include "common/shape/declare.h"

struct request;

#define PAGE_ROWS_BYTES ((size_t)1 << 20) /* memory that the rows of a page may take, before the last one */

/* The fields of a query's shape; OF must have their members. */
#define PAGE_QUERY_FIELDS(help_of_limit)                                                                     \
    FIELD(INT, limit, .min = 1, .max = 1000, .fallback = "100", .help = (help_of_limit)),                    \
        FIELD(TEXT, cursor, .help = "The `next` of an answer to the same query.")

/* The last field of an answer's shape. */
#define PAGE_NEXT_FIELD(example_cursor)                                                                      \
    FIELD(TEXT, next, .flags = FIELD_NULLABLE,                                                               \
          .help = "The `cursor` of the next page; null on the last page.", .example = (example_cursor))

/* Whether the cursor of the query is good; false: the reply is 422. */
bool page_take_cursor(struct request *rq, struct text cursor, enum cursor_status status) MUST_CHECK;

/*
 * Adds the header Link: what counts in the query of this page, with the cursor of the next one (RFC 3986,
 * section 5.3: the path stays). A target longer than URL_LIMIT would be refused: there is no Link then.
 */
void page_add_link(struct request *rq, struct text cursor);

/* Reads the key after which the page begins; false: the reply is 422. */
bool page_read_key(struct request *rq, struct text cursor, uint64_t hash, struct key *key) MUST_CHECK;

/* Says that a page follows after the key: the cursor for the body, and Link. False: the reply is 503. */
bool page_set_next(struct request *rq, uint64_t hash, const struct key *key, struct text *next) MUST_CHECK;

#endif
