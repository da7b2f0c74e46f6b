#include "directory/paging.h"

#include "common/http/request.h"
#include "common/serve/query.h"

static void write_link(struct writer *w, int64_t skip, const struct page *page, const char *rel)
{
    /*
     * A reference that is only a query keeps the path, even if a proxy has changed that (RFC 3986, section
     * 5.3).
     */
    write_text(w, w->len ? TEXT(", <?skip=") : TEXT("<?skip="));
    write_int(w, skip);
    write_literal(w, "&limit=");
    write_int(w, page->limit);
    if (page->total == 1)
        write_literal(w, "&total=true");
    write_literal(w, ">; rel=\"");
    write_text(w, text_of(rel));
    write_char(w, '"');
}

bool paging_headers(struct request *rq, const struct page *page, size_t count,
                    const struct statement *count_all)
{
    struct writer links = writer_start(&rq->arena);
    struct total all;

    if (page->limit > 0 && (int64_t)count == page->limit && page->skip <= INT64_MAX - page->limit)
        write_link(&links, page->skip + page->limit, page, "next");
    if (page->limit > 0 && page->skip > 0)
        write_link(&links, page->skip > page->limit ? page->skip - page->limit : 0, page, "prev");
    if (links.len) {
        write_char(&links, '\0');
        if (!links.failed)
            reply_header(rq, "Link", links.at);
    }
    if (page->total != 1)
        return true;
    if (query_row(rq, count_all, NULL, &all) != QUERY_ROW)
        return false;
    char *text = arena_printf(&rq->arena, "%lld", (long long)all.total);
    if (text)
        reply_header(rq, "X-Total-Count", text);
    return true;
}
