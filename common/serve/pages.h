/*
 * Rows of any number, read page by page: of a statement that answers at most so many rows after a key.
 *
 *     struct attempts_after after = {.user_id = …, .id = PAGES_BEFORE_ALL};
 *     struct pages pages = pages_of(rq, &list_attempts, &after, &after.limit);
 *
 *     reply_list_begin(rq);
 *     while (pages_next(&pages) == QUERY_ROW) {
 *         const struct attempt *rows = pages.rows.items;
 *         after.id = rows[pages.rows.count - 1].id;
 *         shape_write_items(&rq->out, &attempt_shape, pages.rows, pages.first);
 *     }
 *     pages_close(&pages);
 *     return reply_list_end(rq);
 *
 * A page is bounded in bytes and is one snapshot of the database. Between two pages no connection is held,
 * however long the client takes. What was there all the time is listed once; what comes or goes meanwhile is
 * listed or not.
 */
#ifndef COMMON_SERVE_PAGES_H
#define COMMON_SERVE_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/serve/query.h"
#include "common/shape/shape.h"

struct request;
struct statement;

#define PAGES_BEFORE_ALL (INT64_MIN + 1) /* a key that comes before every id, and is not null */

struct pages {
    struct request *rq;
    const struct statement *statement;
    const void *params; /* the caller moves the key in them to the last row of each page */
    int64_t *limit;     /* of them: how many rows the next page may have */
    int64_t asked;
    struct arena arena; /* of the page's rows, until the next one */
    struct rows rows;
    bool first; /* this is the first page */
    bool last;
};

/* The pages of a report's statement, none of which is read yet. */
struct pages pages_of(struct request *rq, const struct statement *statement, const void *params,
                      int64_t *limit);

/*
 * Reads the next page into `rows`. QUERY_NONE: there are no more rows, or nobody is left to answer.
 * QUERY_REPLIED: 503 is the reply, which breaks an answer off that is leaving already. Waits.
 */
enum query_result pages_next(struct pages *pages) MUST_CHECK;

/* Gives the memory of the last page back. */
void pages_close(struct pages *pages);

#endif
