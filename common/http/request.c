#include "common/http/request.h"

uint64_t request_bytes_sent(const struct request *rq)
{
    return rq->head ? 0 : rq->streamed ? rq->streamed_bytes : rq->out.len;
}

struct text request_media_type(const struct request *rq)
{
    struct text type = rq->headers.content_type;
    const char *semicolon = type.at ? memchr(type.at, ';', type.len) : NULL;

    return text_trimmed((struct text){type.at, semicolon ? (size_t)(semicolon - type.at) : type.len});
}

bool request_is_json(const struct request *rq)
{
    struct text essence = request_media_type(rq);

    if (!essence.at)
        return true;
    if (essence.len < 13 || !text_equal_folded((struct text){essence.at, 12}, TEXT("application/")))
        return false;
    struct text subtype = {essence.at + 12, essence.len - 12};
    return text_equal_folded(subtype, TEXT("json")) ||
           (subtype.len >= 5 &&
            text_equal_folded((struct text){subtype.at + subtype.len - 5, 5}, TEXT("+json")));
}
