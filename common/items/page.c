#include "common/items/page.h"

#include "common/http/request.h"
#include "common/items/parameter.h"

bool page_take_cursor(struct request *rq, struct text cursor, enum cursor_status status)
{
    switch (status) {
    case CURSOR_GOOD:
        return true;
    case CURSOR_OF_ANOTHER_QUERY:
        reply_bad_parameter(rq, "cursor", cursor, "cursor belongs to another query");
        return false;
    case CURSOR_NONE:
        break;
    }
    reply_bad_parameter(rq, "cursor", cursor, "not a cursor that an answer gave");
    return false;
}

void page_add_link(struct request *rq, struct text cursor)
{
    static const char in_query[] = ":/?@!$&'()*+,;=%";
    struct writer link = writer_start(&rq->arena);
    struct text left = rq->raw_query.at ? rq->raw_query : TEXT("");

    write_literal(&link, "<?");
    while (left.len) {
        const char *amp = memchr(left.at, '&', left.len);
        struct text pair = {left.at, amp ? (size_t)(amp - left.at) : left.len};
        left.at += pair.len + (amp ? 1 : 0);
        left.len -= pair.len + (amp ? 1 : 0);
        if (!pair.len || (pair.len >= 7 && memcmp(pair.at, "cursor=", 7) == 0))
            continue;
        write_url(&link, pair, in_query);
        write_char(&link, '&');
    }
    write_literal(&link, "cursor=");
    write_text(&link, cursor);
    write_bytes(&link, ">; rel=\"next\"", sizeof(">; rel=\"next\""));
    if (!link.failed)
        reply_header(rq, "Link", link.at);
}

bool page_read_key(struct request *rq, struct text cursor, uint64_t hash, struct key *key)
{
    return page_take_cursor(rq, cursor, cursor_read_key(&rq->arena, cursor, hash, key));
}

bool page_set_next(struct request *rq, uint64_t hash, const struct key *key, struct text *next)
{
    *next = cursor_print_key(&rq->arena, hash, key);
    if (next->at)
        page_add_link(rq, *next);
    else
        reply_unavailable(rq);
    return next->at != NULL;
}
