/* How a resource offers its rows of a user to the export of a person (person_export.h). */
#ifndef USER_PROGRESS_PERSON_ROWS_H
#define USER_PROGRESS_PERSON_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/text.h"
#include "common/serve/pages.h"

/* Parameters of a statement that returns at most `limit` rows of a user after a place. */
struct person_after {
    struct text user_id;
    int64_t id, version, limit;
};

/* Rows of users in a table of this service. */
struct person_rows {
    const char *kind; /* of a line: attempt */
    const struct statement *statement;
    const struct shape *shape;
    size_t id, version; /* offsets of the place in a row; version 0: ids are unique */
    bool (*prepare)(
        struct pages *page); /* before the rows of a page are printed; false: no memory. NULL: none */
};

#endif
