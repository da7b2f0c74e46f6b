#include "privacy/kept.h"

#include "common/base/loop.h"
#include "common/http/request.h"
#include "common/serve/query.h"
#include "privacy/kept.sql.h"

#define SLICE_FIRST ((int64_t)200)      /* answers that the first statement looks at */
#define SLICE_MOST  ((int64_t)20000)    /* the most that one looks at */
#define SLICE_TIME  (250 * MILLISECOND) /* that one should take at most: a tenth of what it may */

struct kept_slice {
    struct texts values; /* as they are written in an answer */
    struct text after;   /* the key before the slice */
    int64_t limit;
    int64_t rows, looked; /* answers that name one of the values, and all of the slice */
    struct text last;
};

STATEMENT(count_kept, CHANGE, PARAMS(struct kept_slice, values, after, limit),
          ROW(struct kept_slice, rows, looked, last));
STATEMENT(forget_kept, CHANGE, PARAMS(struct kept_slice, values, after, limit),
          ROW(struct kept_slice, rows, looked, last));

/*
 * `"name"`, which our answers have after a colon nowhere but as the value of a member: a quote inside of a
 * string has a backslash before it.
 */
static struct text written(struct request *rq, struct text name)
{
    struct writer w = writer_start(&rq->arena);

    write_json_text(&w, name);
    return w.failed ? TEXT_NULL : (struct text){w.at, w.len};
}

/* The values of the names that are not null; their `items` are NULL if there is no memory. */
static struct texts values_of(struct request *rq, const struct text *names, size_t count)
{
    struct text *values = arena_alloc(&rq->arena, (count + 1) * sizeof(*values));
    struct texts list = {values, 0};

    for (size_t i = 0; list.items && i < count; i++) {
        if (!names[i].at)
            continue;
        values[list.count] = written(rq, names[i]);
        if (!values[list.count++].at)
            list.items = NULL;
    }
    return list;
}

/* Goes through all answers in slices, which are larger where a slice takes little time. */
static bool run(struct request *rq, const struct statement *statement, const struct text *names, size_t count,
                int64_t *rows)
{
    struct kept_slice slice = {.values = values_of(rq, names, count), .last = TEXT(""), .limit = SLICE_FIRST};
    int64_t asked;

    *rows = 0;
    if (!slice.values.items) {
        reply_unavailable(rq);
        return false;
    }
    do {
        int64_t since = rq->loop->now;
        slice.after = slice.last;
        asked = slice.limit;
        if (query_row(rq, statement, &slice, &slice) != QUERY_ROW)
            return false;
        *rows += slice.rows;
        bool slow = rq->loop->now - since > SLICE_TIME;
        if (slow && slice.limit > 1)
            slice.limit /= 2;
        else if (!slow && slice.limit <= SLICE_MOST / 2)
            slice.limit *= 2;
    } while (slice.looked == asked);
    return true;
}

bool kept_count(struct request *rq, const struct text *names, size_t count, int64_t *rows)
{
    return run(rq, &count_kept, names, count, rows);
}

bool kept_forget(struct request *rq, const struct text *names, size_t count, int64_t *rows)
{
    return run(rq, &forget_kept, names, count, rows);
}
