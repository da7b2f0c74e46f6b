#include "common/http/answer.h"

#include "common/base/gzip.h"
#include "common/http/request.h"

#define GZIP_LEAST ((size_t)1400)     /* bytes: a smaller answer fits into one packet anyway */
#define GZIP_MOST  ((size_t)16 << 20) /* bytes: compressing more would block the loop for too long */

/* FNV-1a, 64 bits (draft-eastlake-fnv, section 2): tags only distinguish versions of one resource. */
static uint64_t hash(const char *bytes, size_t len)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    return h;
}

/* Takes the next tag off a list; a tag in quotes may have commas in it (RFC 9110, section 8.8.3). */
static struct text take_tag(struct text *list)
{
    bool quoted = false;
    size_t len = 0;

    for (; len < list->len && (quoted || list->at[len] != ','); len++)
        quoted ^= list->at[len] == '"';
    struct text tag = {list->at, len};
    len += len < list->len;
    *list = (struct text){list->at + len, list->len - len};
    return text_trimmed(tag);
}

/*
 * Whether an If-None-Match matches the tag, or is `*`; the comparison is the weak one (RFC 9110, section
 * 13.1.2).
 */
static bool is_named(struct text list, struct text tag)
{
    if (text_equal(text_trimmed(list), TEXT("*")))
        return true;
    while (list.len) {
        struct text one = take_tag(&list);
        if (one.len > 2 && one.at[0] == 'W' && one.at[1] == '/')
            one = (struct text){one.at + 2, one.len - 2};
        if (text_equal(one, tag))
            return true;
    }
    return false;
}

/*
 * Tags the answer; whether the client already has it. The tag is weak, because it is the same for the
 * compressed and the plain form.
 */
static bool tag(struct request *rq)
{
    if (!rq->endpoint || !(rq->endpoint->flags & ENDPOINT_TAGGED) || rq->status != 200)
        return false;
    char *weak = rq->version ? arena_printf(&rq->arena, "W/\"%s\"", rq->version)
                             : arena_printf(&rq->arena, "W/\"%016llx\"",
                                            (unsigned long long)hash(rq->out.at, rq->out.len));
    if (!weak)
        return false;
    reply_header(rq, "ETag", weak);
    return is_named(rq->headers.if_none_match, text_of(weak + 2));
}

/*
 * Makes a 304 of a 200: without the body, and of its metadata only what a cache needs (RFC 9110,
 * section 15.4.5). The length is the 200's (section 8.6).
 */
static void leave_out_body(struct request *rq)
{
    size_t kept = 0;

    rq->status = 304;
    rq->content_type = NULL;
    reply_length(rq, rq->out.len);
    rq->out.len = 0;
    for (size_t i = 0; i < rq->answer_header_count; i++)
        if (strcmp(rq->answer_headers[i].name, "Content-Encoding") != 0)
            rq->answer_headers[kept++] = rq->answer_headers[i];
    rq->answer_header_count = kept;
}

/* Whether the weight of a coding is zero; names are of either case (RFC 9110, section 12.4.2). */
static bool is_zero(struct text weight)
{
    if (weight.len < 3 || !text_equal_folded((struct text){weight.at, 3}, TEXT("q=0")))
        return false;
    for (size_t i = 3; i < weight.len; i++)
        if (weight.at[i] != '.' && weight.at[i] != '0')
            return false;
    return true;
}

/*
 * Whether gzip is among the codings accepted, with a weight that is not zero; `*` stands for it only where
 * it is not named itself (RFC 9110, section 12.5.3).
 */
static bool accepts_gzip(struct text list)
{
    bool unnamed = false;

    while (list.len) {
        struct text weight = text_take(&list, ',');
        struct text coding = text_trimmed(text_take(&weight, ';'));
        weight = text_trimmed(weight);
        if (text_equal_folded(coding, TEXT("gzip")))
            return !is_zero(weight);
        if (text_equal(coding, TEXT("*")))
            unnamed = !is_zero(weight);
    }
    return unnamed;
}

static bool is_encoded(const struct request *rq)
{
    for (size_t i = 0; i < rq->answer_header_count; i++)
        if (strcmp(rq->answer_headers[i].name, "Content-Encoding") == 0)
            return true;
    return false;
}

/*
 * An answer that cannot be compressed, because memory is exhausted or it would not become smaller, is sent as
 * it is.
 */
static void compress_body(struct request *rq)
{
    struct text smaller = gzip_compress(&rq->arena, (struct text){rq->out.at, rq->out.len});

    if (!smaller.at)
        return;
    rq->out = writer_over(smaller);
    reply_header(rq, "Content-Encoding", "gzip");
}

/*
 * A body that is stored compressed is sent compressed, except to the rare client that does not accept gzip.
 */
static void finish_gzipped(struct request *rq)
{
    reply_header(rq, "Vary", "Accept-Encoding");
    if (accepts_gzip(rq->headers.accept_encoding)) {
        reply_header(rq, "Content-Encoding", "gzip");
        return;
    }
    struct text whole = gzip_expand(&rq->arena, (struct text){rq->out.at, rq->out.len});
    if (whole.at)
        rq->out = writer_over(whole);
    else
        reply_unavailable(rq);
}

void answer_begin(struct request *rq)
{
    if (is_encoded(rq))
        return;
    reply_header(rq, "Vary", "Accept-Encoding");
    rq->compresses = accepts_gzip(rq->headers.accept_encoding);
    if (rq->compresses)
        reply_header(rq, "Content-Encoding", "gzip");
}

/*
 * The header of an answer without its body. How long the body would be once it is compressed is not known,
 * and no other length may be told (RFC 9110, section 8.6).
 */
static void encode_header(struct request *rq)
{
    if (rq->told_length < GZIP_LEAST)
        return;
    reply_header(rq, "Vary", "Accept-Encoding");
    if (!accepts_gzip(rq->headers.accept_encoding))
        return;
    /* What is longer than one part is sent in parts, and compressed whatever its length. */
    if (rq->out.full && rq->told_length != LENGTH_UNKNOWN)
        reply_header(rq, "Content-Encoding", "gzip");
    rq->told_length = LENGTH_UNKNOWN;
}

/* Compresses the body if that is worth it and the client accepts it. */
static void encode(struct request *rq)
{
    if (rq->gzipped) {
        finish_gzipped(rq);
        return;
    }
    if (rq->tells_length) {
        encode_header(rq);
        return;
    }
    if (rq->out.len < GZIP_LEAST || rq->out.len > GZIP_MOST || is_encoded(rq))
        return;
    reply_header(rq, "Vary", "Accept-Encoding");
    if (accepts_gzip(rq->headers.accept_encoding))
        compress_body(rq);
}

void answer_finish(struct request *rq)
{
    if (rq->out.failed)
        return;
    bool known = tag(rq);
    encode(rq);
    if (known && rq->status == 200)
        leave_out_body(rq);
}
