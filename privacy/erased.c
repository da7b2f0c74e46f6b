#include "privacy/erased.h"

#include "common/base/loop.h"
#include "common/base/turn.h"
#include "common/http/request.h"
#include "common/serve/query.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/shape/declare.h"
#include "privacy/erased.sql.h"
#include "privacy/kept.h"

#define KEPT_TABLE "idempotency_keys"

#define REST         3                   /* times as long as a transaction took */
#define REST_MOST    (500 * MILLISECOND) /* after one that had to wait for somebody */
#define CALL_LONGEST (2 * SECOND)        /* of the transactions of a call, shorter than the lease of a part */

#define OF struct erase_query
static const struct field erase_query_fields[] = {
    FIELD(
        TEXT, erasure_id, .limit = 64,
        .help =
            "The erasure for which this is done: what it deletes is added up, however often a call is sent.",
        .example = "\"0f6c2f0e-7d8e-4f5a-9f0e-3f1c2b4a5d6e\""),
    FIELD(BOOL, dry_run, .fallback = "false", .help = "Count, and delete nothing."),
};
const struct shape erase_query_shape = SHAPE("EraseQuery", NULL, erase_query_fields);
#undef OF

struct erased {
    int64_t deleted;
    int8_t remaining;
    struct kept_json counts;
};

#define OF struct erased
static const struct field erased_fields[] = {
    FIELD(INT, deleted, .help = "Rows that this call deleted.", .example = "10000"),
    FIELD(BOOL, remaining, .help = "Whether something of the user is left, sums not yet renewed included.",
          .example = "true"),
    FIELD(OBJECT, counts, .flags = FIELD_OPTIONAL,
          .help = "With erasure_id, what the erasure deleted so far; in a dry run what there is.",
          .example = "{\"usage_events\":10000,\"idempotency_keys\":0}"),
};
const struct shape erased_shape = SHAPE("Erased", "What was deleted.", erased_fields);
#undef OF

struct erased_count {
    struct text erasure_id, service, kind;
    int64_t found;
    int8_t second_sweep;
};

STATEMENT(add_erased, CHANGE, PARAMS(struct erased_count, erasure_id, service, kind, found, second_sweep));
STATEMENT(list_erased, CHANGE, PARAMS(struct erased_count, erasure_id),
          ROW(struct erased_count, kind, found));

bool erased_add(struct request *rq, struct text erasure_id, const char *table, int64_t rows,
                bool second_sweep)
{
    const struct erased_count count = {.erasure_id = erasure_id,
                                       .service = text_of(rq->worker->api->name),
                                       .kind = text_of(table),
                                       .found = rows,
                                       .second_sweep = second_sweep};

    return query_row(rq, &add_erased, &count, NULL) != QUERY_REPLIED;
}

/* {"usage_events":10000,"idempotency_keys":0} */
static struct text print_counts(struct request *rq, const struct erased_count *counts, size_t count)
{
    struct writer w = writer_start(&rq->arena);

    write_char(&w, '{');
    for (size_t i = 0; i < count; i++) {
        write_text(&w, i ? TEXT(",") : TEXT(""));
        write_json_text(&w, counts[i].kind);
        write_char(&w, ':');
        write_int(&w, counts[i].found);
    }
    write_char(&w, '}');
    return w.failed ? TEXT_NULL : (struct text){w.at, w.len};
}

static enum reply reply_erased(struct request *rq, const struct erased *erased)
{
    return reply(rq, &erased_shape, erased);
}

static enum reply reply_dry_run(struct request *rq, const struct erased_table *table, struct text user_id)
{
    struct of_person of = {.user_id = user_id};
    struct erased_count counts[] = {{.kind = text_of(table->name)}, {.kind = TEXT(KEPT_TABLE)}};

    if (query_row(rq, table->count, &of, &of) != QUERY_ROW || !kept_count(rq, &user_id, 1, &counts[1].found))
        return REPLIED;
    counts[0].found = of.rows;
    const struct erased erased = {.remaining = counts[0].found + counts[1].found > 0,
                                  .counts = {print_counts(rq, counts, COUNT(counts))}};
    return erased.counts.bytes.at ? reply_erased(rq, &erased) : reply_unavailable(rq);
}

/*
 * Deletes some rows, and after the last ones the kept answers, and counts all of it, in one transaction.
 * `of->rows` is how many rows of the table it were. False: the reply is 503, and nothing was deleted.
 */
static bool erase_some(struct request *rq, const struct erased_table *table, struct of_person *of,
                       struct text erasure_id)
{
    int64_t kept = 0;

    if (!query_begin(rq))
        return false;
    if (query_row(rq, table->erase, of, of) != QUERY_ROW ||
        (of->rows < of->limit && !kept_forget(rq, &of->user_id, 1, &kept)) ||
        (erasure_id.at && (!erased_add(rq, erasure_id, table->name, of->rows, false) ||
                           !erased_add(rq, erasure_id, KEPT_TABLE, kept, false)))) {
        query_rollback(rq);
        return false;
    }
    return query_commit(rq);
}

void erased_rest(const struct request *rq, int64_t since)
{
    int64_t rest = REST * (rq->loop->now - since);

    turn_rest(rest < REST_MOST ? rest : REST_MOST);
}

/*
 * Deletes until nothing is left, or ERASE_PER_CALL rows, or the call's time is over. False: the reply is 503.
 */
static bool erase_rows(struct request *rq, const struct erased_table *table, struct of_person *of,
                       struct text erasure_id, int64_t *deleted)
{
    int64_t half = (rq->deadline - rq->loop->now) / 2;
    int64_t end = rq->loop->now + (half < CALL_LONGEST ? half : CALL_LONGEST);

    for (;;) {
        int64_t since = rq->loop->now;
        if (!erase_some(rq, table, of, erasure_id))
            return false;
        *deleted += of->rows;
        if (of->rows < of->limit || *deleted >= ERASE_PER_CALL)
            return true;
        erased_rest(rq, since);
        if (rq->loop->now >= end)
            return true;
    }
}

enum reply erased_run(struct request *rq, const struct erased_table *table)
{
    const struct erase_query *query = rq->query;
    struct of_person of = {.user_id = ((const struct user_path *)rq->path)->user_id, .limit = ERASE_AT_ONCE};
    size_t headers = rq->answer_header_count;
    struct erased erased = {.deleted = 0};
    struct rows counts = {NULL, 0};

    if (query->dry_run)
        return reply_dry_run(rq, table, of.user_id);
    if (!erase_rows(rq, table, &of, query->erasure_id, &erased.deleted)) {
        if (!erased.deleted)
            return REPLIED;
        of.rows = of.limit; /* what was deleted before is told */
        rq->runs_again = false;
        rq->answer_header_count = headers;
    }
    erased.remaining = of.rows == of.limit;
    if (!erased.remaining) {
        if (query_row(rq, table->noted, &of, &of) != QUERY_ROW)
            return REPLIED;
        erased.remaining = of.rows > 0;
    }
    if (query->erasure_id.at) {
        const struct erased_count of_erasure = {.erasure_id = query->erasure_id};
        if (query_rows(rq, &list_erased, &of_erasure, &counts) != QUERY_ROW)
            return REPLIED;
        erased.counts.bytes = print_counts(rq, counts.items, counts.count);
        if (!erased.counts.bytes.at)
            return reply_unavailable(rq);
    }
    return reply_erased(rq, &erased);
}
