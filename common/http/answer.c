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

/*
 * Whether an If-None-Match matches the tag, or is `*`; the comparison is the weak one (RFC 9110, section
 * 13.1.2).
 */
static bool is_named(struct text list, struct text tag)
{
    while (list.len) {
        const char *comma = memchr(list.at, ',', list.len);
        size_t len = comma ? (size_t)(comma - list.at) : list.len;
        struct text one = text_trimmed((struct text){list.at, len});
        if (one.len > 2 && one.at[0] == 'W' && one.at[1] == '/')
            one = (struct text){one.at + 2, one.len - 2};
        if (text_equal(one, TEXT("*")) || text_equal(one, tag))
            return true;
        list.at += comma ? len + 1 : len;
        list.len -= comma ? len + 1 : len;
    }
    return false;
}

/*
 * Tags the answer; a client that already has it gets 304. The tag is weak, because it is the same for the
 * compressed and the plain form.
 */
static void tag(struct request *rq)
{
    if (!rq->endpoint || !(rq->endpoint->flags & ENDPOINT_TAGGED) || rq->status != 200)
        return;
    char *weak = rq->version ? arena_printf(&rq->arena, "W/\"%s\"", rq->version)
                             : arena_printf(&rq->arena, "W/\"%016llx\"",
                                            (unsigned long long)hash(rq->out.at, rq->out.len));
    if (!weak)
        return;
    reply_header(rq, "ETag", weak);
    if (!is_named(rq->headers.if_none_match, text_of(weak + 2)))
        return;
    rq->status = 304;
    rq->content_type = NULL;
    rq->out.len = 0;
}

/* Whether gzip is among the codings accepted, with a weight that is not zero (RFC 9110, section 12.5.3). */
static bool accepts_gzip(struct text list)
{
    while (list.len) {
        const char *comma = memchr(list.at, ',', list.len);
        size_t len = comma ? (size_t)(comma - list.at) : list.len;
        const char *semicolon = memchr(list.at, ';', len);
        struct text coding =
            text_trimmed((struct text){list.at, semicolon ? (size_t)(semicolon - list.at) : len});
        struct text weight =
            semicolon ? text_trimmed((struct text){semicolon + 1, len - (size_t)(semicolon + 1 - list.at)})
                      : TEXT("");
        bool refused = weight.len >= 3 && memcmp(weight.at, "q=0", 3) == 0;
        for (size_t i = 3; refused && i < weight.len; i++)
            refused = weight.at[i] == '.' || weight.at[i] == '0';
        if (text_equal_folded(coding, TEXT("gzip")) || text_equal(coding, TEXT("*")))
            return !refused;
        list.at += comma ? len + 1 : len;
        list.len -= comma ? len + 1 : len;
    }
    return false;
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
    if (!rq->out.len)
        return;
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

void answer_finish(struct request *rq)
{
    if (rq->out.failed)
        return;
    tag(rq);
    if (rq->gzipped) {
        finish_gzipped(rq);
        return;
    }
    if (rq->tells_length && !is_encoded(rq))
        reply_header(rq, "Vary", "Accept-Encoding");
    if (rq->tells_length || rq->out.len < GZIP_LEAST || rq->out.len > GZIP_MOST || is_encoded(rq))
        return;
    reply_header(rq, "Vary", "Accept-Encoding");
    if (accepts_gzip(rq->headers.accept_encoding))
        compress_body(rq);
}
