#include "common/http/body.h"

#include "common/base/gzip.h"
#include "common/http/request.h"

static bool is_plain(struct text coding)
{
    return !coding.len || text_equal_folded(coding, TEXT("identity"));
}

/* x-gzip means the same (RFC 9110, section 8.4.1.3). */
static bool is_gzip(struct text coding)
{
    return text_equal_folded(coding, TEXT("gzip")) || text_equal_folded(coding, TEXT("x-gzip"));
}

bool body_decode(struct request *rq, size_t limit, bool one)
{
    struct text coding = text_trimmed(rq->headers.content_encoding);
    struct text plain;

    if (is_plain(coding) || !rq->body_bytes.len)
        return true;
    if (!is_gzip(coding)) {
        reply_header(rq, "Accept-Encoding", "gzip");
        reply_error(rq, 415, "Unsupported Content-Encoding");
        return false;
    }
    switch (gzip_expand_within(&rq->arena, rq->body_bytes, limit, one, &plain)) {
    case GZIP_OK:
        rq->body_bytes = plain;
        return true;
    case GZIP_TOO_LARGE:
        reply_error(rq, 413, "Request body too large");
        return false;
    case GZIP_DAMAGED:
        reply_error(rq, 400, "There was an error parsing the body");
        return false;
    case GZIP_NO_MEMORY:
        break;
    }
    reply_unavailable(rq);
    return false;
}
