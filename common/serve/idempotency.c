#include "common/serve/idempotency.h"

#include "common/base/digest.h"
#include "common/http/request.h"
#include "common/serve/idempotency.sql.h"
#include "common/serve/metrics.h"
#include "common/serve/query.h"
#include "common/serve/worker.h"

#define KEY_LIMIT 255                /* bytes of a key */
#define JSON_TYPE "application/json" /* of answers that were stored without their headers */

/* A row of idempotency_keys; digests in hexadecimal digits. */
struct idempotency {
    struct text key;                  /* of the subject, the method, the path and what the client sent */
    struct text request;              /* of the decoded body */
    struct text old_key, old_request; /* the same as stored by earlier versions */
};

struct kept_answer {
    int8_t same;
    int64_t status;
    struct text headers, body;
};

STATEMENT(look_key, READ, .large = true, PARAMS(struct idempotency, key, request, old_key, old_request),
          ROW(struct kept_answer, same, status, headers, body));
STATEMENT(claim_key, CHANGE, PARAMS(struct idempotency, key, request), ROW(struct idempotency, key));

struct answer_to_keep {
    struct text key;
    int64_t status;
    struct text headers, body;
};

STATEMENT(keep_answer, CHANGE, PARAMS(struct answer_to_keep, key, status, headers, body),
          ROW(struct answer_to_keep, key));

/* The key */

static bool digest_into(struct request *rq, struct digester *digester, const struct text *texts, size_t count,
                        struct text *out)
{
    struct digest digest;
    char *digits = arena_alloc(&rq->arena, DIGEST_TEXT);

    if (!digits || !digester_run(digester, texts, count, &digest))
        return false;
    digest_print(digits, &digest);
    *out = text_of(digits);
    return true;
}

/* Only the last part can contain the separator, so two names are equal only if all their parts are equal. */
static bool name_key(struct request *rq, struct digester *digester, struct idempotency *of)
{
    struct writer subject = writer_start(&rq->arena);

    write_json_text(&subject, rq->subject);
    if (subject.failed)
        return false;
    const struct text who = {subject.at, subject.len}, line = TEXT("\n");
    const struct text place[] = {who, rq->method_name, line, rq->raw_path, line, of->old_key};
    const struct text old[] = {who, rq->raw_path, line, rq->body_bytes};
    return digest_into(rq, digester, place, COUNT(place), &of->key) &&
           digest_into(rq, digester, &rq->body_bytes, 1, &of->request) &&
           digest_into(rq, digester, old, COUNT(old), &of->old_request);
}

/* NULL: the request has its reply. */
static struct idempotency *read_key(struct request *rq)
{
    struct text key = rq->headers.idempotency_key;
    struct idempotency *of = arena_zalloc(&rq->arena, sizeof(*of));
    struct digester *digester = of ? digester_open() : NULL;

    if (!key.len || key.len > KEY_LIMIT || !text_is_utf8(key)) {
        reply_error(rq, 422, "Idempotency-Key must have 1 to 255 characters");
        of = NULL;
    } else if (!digester) {
        reply_unavailable(rq);
        of = NULL;
    } else {
        of->old_key = key;
        if (!name_key(rq, digester, of)) {
            reply_unavailable(rq);
            of = NULL;
        }
    }
    digester_close(digester);
    return of;
}

/* Stored answers */

static struct text line_from(struct text *left)
{
    const char *end = memchr(left->at, '\n', left->len);
    struct text line = {left->at, end ? (size_t)(end - left->at) : left->len};

    left->at += line.len + (end ? 1 : 0);
    left->len -= line.len + (end ? 1 : 0);
    return line;
}

/* The first line is the content type, each further one a header. */
static bool write_headers(struct request *rq, struct text *out)
{
    struct writer w = writer_start(&rq->arena);

    write_text(&w, text_of(rq->content_type));
    for (size_t i = 0; i < rq->answer_header_count; i++) {
        write_char(&w, '\n');
        write_text(&w, text_of(rq->answer_headers[i].name));
        write_literal(&w, ": ");
        write_text(&w, text_of(rq->answer_headers[i].value));
    }
    *out = (struct text){w.at, w.len};
    return !w.failed;
}

static void reply_kept(struct request *rq, const struct kept_answer *kept)
{
    struct text left = kept->headers.at ? kept->headers : TEXT(JSON_TYPE);
    const char *type = arena_string(&rq->arena, line_from(&left));

    if (!type) {
        reply_unavailable(rq);
        return;
    }
    reply_text(rq, (int)kept->status, type, kept->body.at ? kept->body : TEXT(""));
    while (left.len) {
        struct text line = line_from(&left);
        const char *colon = memchr(line.at, ':', line.len);
        if (!colon)
            continue;
        struct text rest = {colon + 1, line.len - (size_t)(colon - line.at) - 1};
        const char *name = arena_string(&rq->arena, (struct text){line.at, (size_t)(colon - line.at)});
        const char *value = arena_string(&rq->arena, text_trimmed(rest));
        if (name && value)
            reply_header(rq, name, value);
    }
    reply_header(rq, "Idempotency-Replayed", "true");
    metric_count(&rq->worker->serve_metrics->idempotent_replays);
}

/* Whether the key already has an answer, or that cannot be found out: the request has its reply then. */
static bool is_answered(struct request *rq, const struct idempotency *of)
{
    struct kept_answer kept;

    switch (query_row(rq, &look_key, of, &kept)) {
    case QUERY_ROW:
        break;
    case QUERY_NONE:
        return false;
    default:
        return true;
    }
    if (kept.same == 1)
        reply_kept(rq, &kept);
    else
        reply_error(rq, 422, "Idempotency-Key was used with another request");
    return true;
}

/*
 * Runs when the first write has begun its transaction. False: the key could not be claimed, and the reply is
 * that of a request that was quicker with the same key, or 503.
 */
static bool claim(struct request *rq)
{
    struct idempotency claimed;

    switch (query_row(rq, &claim_key, rq->idempotency, &claimed)) {
    case QUERY_ROW:
        return true;
    case QUERY_NONE:
        if (!is_answered(rq, rq->idempotency))
            reply_unavailable(
                rq); /* the answer that prevented the claim was deleted between the two statements */
        return false;
    default:
        return false;
    }
}

/*
 * Stores the answer at the end of the transaction of the request's writes; false: the transaction must not be
 * committed.
 */
static bool keep(struct request *rq)
{
    struct answer_to_keep answer = {rq->idempotency->key, rq->status, TEXT_NULL, {rq->out.at, rq->out.len}};

    if (rq->status < 200 || rq->status >= 300)
        return false;
    if (rq->out.len > IDEMPOTENCY_ANSWER_LIMIT) {
        reply_error(rq, 413, "The answer is too large to be kept for the Idempotency-Key");
        return false;
    }
    if (rq->out.failed || !write_headers(rq, &answer.headers)) {
        reply_unavailable(rq);
        return false;
    }
    return query_row(rq, &keep_answer, &answer, NULL) != QUERY_REPLIED;
}

void idempotency_run(struct request *rq)
{
    struct idempotency *of = read_key(rq);

    if (!of || is_answered(rq, of))
        return;
    rq->idempotency = of;
    rq->before_write = claim;
    rq->endpoint->handle(rq);
    if (!rq->transaction)
        return; /* nothing was written */
    if (keep(rq))
        query_commit(rq);
    else
        query_rollback(rq);
}
