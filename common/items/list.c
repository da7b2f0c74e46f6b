#include "common/items/list.h"

#include "common/auth/auth.h"
#include "common/http/request.h"
#include "common/items/cursor.h"
#include "common/items/parameter.h"
#include "common/pg/call.h"
#include "common/serve/query.h"

#define PAGE_BYTES ((size_t)1 << 20) /* memory that the rows of a page may take, before the last one */

const char *const list_orders[] = {"-timestamp", "timestamp", "id", NULL};

static uint64_t hash_of(const struct list_query *q)
{
    static const struct text truths[] = {TEXT("false"), TEXT("true")};
    const struct text asked[] = {
        q->order,     q->user_id, q->lab_type,
        q->from,      q->to,      q->zone,
        q->client_id, q->kind,    q->passed == BOOL_NULL ? TEXT_NULL : truths[q->passed]};

    return cursor_hash(asked, COUNT(asked));
}

/* Reads where the page begins; false: the reply is 422. */
static bool read_place(struct request *rq, const struct list_query *query, struct place *place)
{
    *place = (struct place){MOMENT_NULL, INT_NULL};
    if (!query->cursor.at)
        return true;
    switch (cursor_read(query->cursor, hash_of(query), place)) {
    case CURSOR_GOOD:
        return true;
    case CURSOR_OF_ANOTHER_QUERY:
        reply_bad_parameter(rq, "cursor", query->cursor, "cursor belongs to another query");
        return false;
    case CURSOR_NONE:
        break;
    }
    reply_bad_parameter(rq, "cursor", query->cursor, "not a cursor that an answer gave");
    return false;
}

/*
 * Decides which filters an index can serve: the user, the lab type, and the times if they are the order. The
 * statement checks the other filters on the rows that are found this way.
 */
static struct list_params params_of(const struct list_query *query, const struct range *range,
                                    const struct place *place)
{
    bool by_time = !text_equal(query->order, TEXT("id"));
    struct list_params p = {.order = query->order,
                            .user_id = query->user_id,
                            .client_id = query->client_id,
                            .kind = query->kind,
                            .seek_from = MOMENT_NULL,
                            .seek_to = MOMENT_NULL,
                            .from = MOMENT_NULL,
                            .to = MOMENT_NULL,
                            .at = place->at,
                            .id = place->id,
                            .passed = query->passed,
                            .limit = query->limit + 1};

    *(by_time && !query->user_id.at ? &p.seek_lab : &p.lab_type) = query->lab_type;
    *(by_time ? &p.seek_from : &p.from) = range->from;
    *(by_time ? &p.seek_to : &p.to) = range->to;
    bool sought = p.lab_type.at || p.kind.at || p.passed != BOOL_NULL || !moment_is_null(p.from) ||
                  !moment_is_null(p.to);
    p.look_at = sought ? LIST_LOOK_AT : p.limit;
    return p;
}

static const char *row_at(const struct list *list, struct rows rows, size_t i)
{
    return (const char *)rows.items + i * list->statement->row_size;
}

/* Removes the rows at the end that are not part of the page; false: it is the last page. */
static bool cut_page(const struct list *list, bool cut, int64_t limit, struct rows *rows, struct place *last)
{
    if (!rows->count)
        return false;
    const char *row = row_at(list, *rows, rows->count - 1);
    bool marked = *(const int8_t *)(row + list->mark) == 1;
    bool beyond = rows->count > (size_t)limit;
    if (!marked && !beyond && !cut)
        return false;
    if (marked || beyond)
        rows->count--;
    if (beyond && !marked)
        row = row_at(list, *rows, rows->count - 1);
    *last =
        (struct place){*(const struct moment *)(row + list->timestamp), *(const int64_t *)(row + list->id)};
    return true;
}

/*
 * The Link header: the query of this page with the cursor of the next (RFC 3986, section 5.3: the path
 * stays).
 */
static void add_link(struct request *rq, const char *cursor)
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
    write_text(&link, text_of(cursor));
    write_bytes(&link, ">; rel=\"next\"", sizeof(">; rel=\"next\""));
    if (!link.failed)
        reply_header(rq, "Link", link.at);
}

enum reply list_reply(struct request *rq, const struct list *list)
{
    const struct list_query *query = rq->query;
    struct list_page page = {0};
    struct range range;
    struct place place;

    if (!auth_require_user(rq, query->user_id) || !read_place(rq, query, &place) ||
        !range_read(rq, &(struct range_text){query->from, query->to, query->zone}, &range))
        return REPLIED;
    const struct list_params params = params_of(query, &range, &place);
    struct call call = {.statement = list->statement, .params = &params, .bytes_most = PAGE_BYTES};
    if (query_call(rq, &call) == QUERY_REPLIED)
        return REPLIED;
    page.items = (struct rows){call.rows, call.count};
    if (cut_page(list, call.cut, query->limit, &page.items, &place)) {
        char *next = arena_alloc(&rq->arena, CURSOR_TEXT);
        if (!next)
            return reply_unavailable(rq);
        cursor_print(next, hash_of(query), place);
        page.next = text_of(next);
        add_link(rq, next);
    }
    return reply(rq, list->page, &page);
}
