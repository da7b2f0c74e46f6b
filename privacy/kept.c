#include "privacy/kept.h"

#include "common/http/request.h"
#include "common/serve/query.h"
#include "privacy/kept.sql.h"

struct kept_by_value {
    struct texts values; /* as they are written in an answer */
    int64_t rows;
};

STATEMENT(count_kept, CHANGE, PARAMS(struct kept_by_value, values), ROW(struct kept_by_value, rows));
STATEMENT(forget_kept, CHANGE, PARAMS(struct kept_by_value, values), ROW(struct kept_by_value, rows));

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

static bool run(struct request *rq, const struct statement *statement, const struct text *names, size_t count,
                int64_t *rows)
{
    struct text *values = arena_alloc(&rq->arena, (count + 1) * sizeof(*values));
    struct kept_by_value kept = {.values = {values, 0}};

    for (size_t i = 0; values && i < count; i++) {
        if (!names[i].at)
            continue;
        values[kept.values.count] = written(rq, names[i]);
        if (!values[kept.values.count++].at)
            values = NULL;
    }
    if (!values) {
        reply_unavailable(rq);
        return false;
    }
    if (query_row(rq, statement, &kept, &kept) != QUERY_ROW)
        return false;
    *rows = kept.rows;
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
