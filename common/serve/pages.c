#include "common/serve/pages.h"

#include "common/base/loop.h"
#include "common/http/request.h"
#include "common/pg/call.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"

#define PAGE_FIRST ((int64_t)256)      /* rows of the first page */
#define PAGE_MOST  ((int64_t)2048)     /* the most rows of a page */
#define PAGE_BYTES ((size_t)256 << 10) /* memory that a page may take, before its last row */

struct pages pages_of(struct request *rq, const struct statement *statement, const void *params,
                      int64_t *limit)
{
    *limit = PAGE_FIRST;
    return (struct pages){.rq = rq, .statement = statement, .params = params, .limit = limit};
}

/* Sets the next limit to as many rows as would have fitted, so that few are read in vain. */
static void adapt(struct pages *pages, const struct call *call)
{
    if (call->cut)
        *pages->limit = (int64_t)call->count;
    else if (arena_used(&pages->arena) <= PAGE_BYTES / 2 && *pages->limit < PAGE_MOST)
        *pages->limit *= 2;
}

static enum query_result none(struct pages *pages)
{
    pages->rows = (struct rows){NULL, 0};
    return QUERY_NONE;
}

enum query_result pages_next(struct pages *pages)
{
    struct request *rq = pages->rq;
    struct call call = {.statement = pages->statement,
                        .params = pages->params,
                        .arena = &pages->arena,
                        .bytes_most = PAGE_BYTES};

    if (pages->last || (pages->asked && rq->out.failed))
        return none(pages);
    if (pages->asked) /* a new deadline for each page: the time that the client took does not count */
        rq->deadline = rq->loop->now + rq->worker->settings->report_timeout * MILLISECOND;
    pages->first = !pages->asked;
    pages->asked = *pages->limit;
    arena_reset(&pages->arena);
    enum query_result result = query_call(rq, &call);
    pages->rows = (struct rows){call.rows, result == QUERY_ROW ? call.count : 0};
    pages->failed = result == QUERY_REPLIED;
    pages->last = result != QUERY_ROW || (!call.cut && (int64_t)call.count < pages->asked);
    adapt(pages, &call);
    return result;
}

enum reply pages_end(struct pages *pages, const char *end)
{
    arena_free(&pages->arena);
    if (!pages->failed)
        write_text(&pages->rq->out, text_of(end));
    return REPLIED;
}
