/*
 * What is erased of a person in one table of a service, in short transactions that count what they delete.
 */
#ifndef PRIVACY_ERASED_H
#define PRIVACY_ERASED_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/declare.h"
#include "common/base/text.h"
#include "common/table/api.h"
#include "directory/directory.h"

struct statement;

#define ERASE_AT_ONCE  250   /* rows of a transaction: others wait for no more than that */
#define ERASE_PER_CALL 10000 /* rows of a call */

/* A statement's parameters; each of the three below answers `rows`. */
struct of_person {
    struct text user_id;
    int64_t limit;
    int64_t rows;
};

/* A table with rows of users. */
struct erased_table {
    const char *name;
    const struct statement *count; /* (user_id): its rows */
    const struct statement *erase; /* (user_id, limit): deletes so many at most */
    const struct statement *noted; /* (user_id): whether derived tables may still contain the user: 0 or 1 */
};

struct erase_query {
    struct text erasure_id;
    int8_t dry_run;
};

extern const struct shape erase_query_shape, erased_shape;

/* Adds to what an erasure deleted from a table, or found in its second sweep; in the transaction that
 * deletes. */
bool erased_add(struct request *rq, struct text erasure_id, const char *table, int64_t rows,
                bool second_sweep) MUST_CHECK;

/* Leaves the database to others after a transaction that began at `since` (the loop's time). Waits. */
void erased_rest(const struct request *rq, int64_t since);

/* Erases the user of the request's path from a table: the handler of DELETE /…/user/{user_id}/…. Waits. */
enum reply erased_run(struct request *rq, const struct erased_table *table);

/* The row of such a call. */
#define ERASE_HELP                                                                                           \
    "For User Progress, which erases a person's data everywhere: at most 10,000 rows of the user per call, " \
    "until "                                                                                                 \
    "nothing remains. `counts` is what an erasure deleted in all its calls."
#define ERASE_ENDPOINT(path, handler, tag, title)                                                            \
    DELETE(path, handler, tag, title, .help = ERASE_HELP, .path_in = &user_path_shape,                       \
           .query_in = &erase_query_shape, .answer = &erased_shape,                                          \
           .flags = ENDPOINT_SERVICE | ENDPOINT_REPORT)

#endif
