#include "common/serve/idempotency.h"

#include "common/http/request.h"
#include "common/serve/metrics.h"
#include "common/serve/query.h"
#include "common/serve/worker.h"

#define KEY_LIMIT 255 /* bytes of a key */

struct claim_in {
    struct text key, request;
};

static const struct column claim_params[] = {{COLUMN_TEXT, offsetof(struct claim_in, key)},
                                             {COLUMN_TEXT, offsetof(struct claim_in, request)}};

/* Waits for another request with the same key to end. */
static const struct statement claim_key = {
    .name = "claim_key",
    .sql = "INSERT INTO idempotency_keys AS k (key, request) VALUES ($1, sha256(convert_to($2, 'UTF8')))"
           " ON CONFLICT (key) DO UPDATE SET request = excluded.request, status = NULL, body = NULL, "
           "created_at = now()"
           " WHERE k.created_at < now() - interval '1 day' RETURNING 1",
    .kind = STATEMENT_CHANGE,
    .params = claim_params,
    .param_count = 2,
    .row = (const struct column[]){{COLUMN_INT, 0}},
    .column_count = 1,
    .row_size = sizeof(int64_t),
};

struct stored_answer {
    int8_t same;
    int64_t status;
    struct text body;
};

static const struct statement look_key = {
    .name = "look_key",
    .sql =
        "SELECT request = sha256(convert_to($2, 'UTF8')), status, body FROM idempotency_keys WHERE key = $1",
    .kind = STATEMENT_CHANGE,
    .params = claim_params,
    .param_count = 2,
    .row = (const struct column[]){{COLUMN_BOOL, offsetof(struct stored_answer, same)},
                                   {COLUMN_INT, offsetof(struct stored_answer, status)},
                                   {COLUMN_TEXT, offsetof(struct stored_answer, body)}},
    .column_count = 3,
    .row_size = sizeof(struct stored_answer),
};

struct answer_in {
    struct text key;
    int64_t status;
    struct text body;
};

static const struct statement store_answer = {
    .name = "store_answer",
    .sql = "UPDATE idempotency_keys SET status = $2, body = $3 WHERE key = $1",
    .kind = STATEMENT_CHANGE,
    .params = (const struct column[]){{COLUMN_TEXT, offsetof(struct answer_in, key)},
                                      {COLUMN_INT, offsetof(struct answer_in, status)},
                                      {COLUMN_TEXT, offsetof(struct answer_in, body)}},
    .param_count = 3,
};

static const struct statement forget_keys = {
    .name = "forget_keys",
    .sql = "DELETE FROM idempotency_keys WHERE created_at < now() - interval '1 day'",
    .kind = STATEMENT_CHANGE,
};

void idempotency_forget(struct request *rq)
{
    query_row(rq, &forget_keys, NULL, NULL);
}

static void answer_again(struct request *rq, const struct claim_in *claim)
{
    struct stored_answer stored;

    switch (query_row(rq, &look_key, claim, &stored)) {
    case QUERY_ROW:
        break;
    case QUERY_REPLIED:
        return;
    default:
        reply_unavailable(rq); /* the first request is gone between the two statements */
        return;
    }
    if (stored.same != 1) {
        reply_error(rq, 422, "Idempotency-Key was used with another request");
        return;
    }
    reply_text(rq, (int)stored.status, "application/json", stored.body.at ? stored.body : TEXT(""));
    reply_header(rq, "Idempotency-Replayed", "true");
    metric_count(&rq->worker->serve_metrics->idempotent_replays);
}

void idempotency_run(struct request *rq)
{
    struct text key = rq->headers.idempotency_key;

    if (!key.len || key.len > KEY_LIMIT || !text_is_utf8(key)) {
        reply_error(rq, 422, "Idempotency-Key must have 1 to 255 characters");
        return;
    }
    /* The same key for another path, or of another token's subject, is another request too. */
    struct writer request = writer_start(&rq->arena);
    write_json_text(&request, rq->subject);
    write_text(&request, rq->raw_path);
    write_char(&request, '\n');
    write_text(&request, rq->body_bytes);
    if (request.failed || !text_is_utf8((struct text){request.at, request.len})) {
        reply_unavailable(rq);
        return;
    }
    struct claim_in claim = {key, {request.at, request.len}};
    int64_t claimed;
    if (!query_begin(rq))
        return;
    enum query_result result = query_row(rq, &claim_key, &claim, &claimed);
    if (result == QUERY_ROW) {
        rq->endpoint->handle(rq);
        if (rq->status < 500 && !rq->out.failed) {
            struct answer_in stored = {key, rq->status, {rq->out.at, rq->out.len}};
            if (query_row(rq, &store_answer, &stored, NULL) != QUERY_REPLIED) {
                query_commit(rq);
                return;
            }
        }
    } else if (result == QUERY_NONE) {
        answer_again(rq, &claim);
        query_commit(rq); /* of nothing: the connection is as it was */
        return;
    }
    query_rollback(rq);
}
