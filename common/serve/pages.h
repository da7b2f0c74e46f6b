/*
 * Rows of any number, read page by page: from a statement that returns at most so many rows after a key.
 *
 *     struct attempts_after after = {.user_id = …, .id = PAGES_BEFORE_ALL};
 *     struct pages pages = pages_of(rq, &list_attempts, &after, &after.limit);
 *
 *     if (pages_next(&pages) == QUERY_REPLIED)
 *         return REPLIED;
 *     reply_list_begin(rq);
 *     for (; pages.rows.count; pages_next(&pages)) {
 *         const struct attempt *rows = pages.rows.items;
 *         after.id = rows[pages.rows.count - 1].id;
 *         shape_write_items(&rq->out, &attempt_shape, pages.rows, pages.first);
 *     }
 *     return pages_end(&pages, "]");
 *
 * A page is limited in bytes and is one snapshot of the database. Between two pages no connection is held,
 * however long the client takes. A row that exists all the time is listed once; a row that is added or
 * removed meanwhile is listed or not.
 */
#ifndef COMMON_SERVE_PAGES_H
#define COMMON_SERVE_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/serve/query.h"
#include "common/shape/shape.h"
#include "common/table/api.h"

struct request;
struct statement;

#define PAGES_BEFORE_ALL (INT64_MIN + 1) /* a key that comes before every id, and is not null */

struct pages {
    struct request *rq;
    const struct statement *statement;
    const void *params; /* the caller sets the key in them to that of the last row of each page */
    int64_t *limit;     /* in the params: the most rows of the next page */
    int64_t asked;
    struct arena arena; /* memory of the page's rows, until the next page */
    struct rows rows;
    bool first;  /* this is the first page */
    bool last;   /* no more pages follow */
    bool failed; /* the reply is 503 */
};

/* Pages of a statement of a report; none is read yet. */
struct pages pages_of(struct request *rq, const struct statement *statement, const void *params,
                      int64_t *limit);

/*
 * Reads the next page into `rows`, which is empty unless the result is QUERY_ROW. QUERY_NONE: there are no
 * more rows, or the client has left. QUERY_REPLIED: the reply is 503, or an answer that is being sent is cut.
 * Waits.
 */
enum query_result pages_next(struct pages *pages);

/* Frees the last page, and writes `end` to the reply's body unless a page failed. */
enum reply pages_end(struct pages *pages, const char *end);

#endif
