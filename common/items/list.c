#include "common/items/list.h"

#include "common/auth/auth.h"
#include "common/http/request.h"
#include "common/items/cursor.h"
#include "common/pg/call.h"
#include "common/serve/query.h"

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
    return page_take_cursor(rq, query->cursor, cursor_read(query->cursor, hash_of(query), place));
}

#define LOWEST_ID (INT64_MIN + 1) /* INT64_MIN is null */

static bool is_before(struct place a, struct place b)
{
    return a.at.us < b.at.us || (a.at.us == b.at.us && a.id < b.id);
}

/* Sets the places between which the rows of a page lie. */
static void set_places(struct list_params *p, const struct range *range, struct place from)
{
    bool upwards = text_equal(p->order, TEXT("timestamp")), by_id = text_equal(p->order, TEXT("id"));
    struct place low = {MOMENT_NULL, LOWEST_ID}, high = {MOMENT_NULL, INT64_MAX};

    if (!moment_is_null(range->from))
        low = (struct place){{range->from.us - 1}, INT64_MAX};
    if (!moment_is_null(range->to))
        high = (struct place){range->to, LOWEST_ID};
    if (by_id)
        low.id = from.id == INT_NULL ? LOWEST_ID : from.id;
    else if (from.id != INT_NULL && upwards)
        low = is_before(low, from) ? from : low;
    else if (from.id != INT_NULL)
        high = moment_is_null(range->to) || is_before(from, high) ? from : high;
    p->low_at = low.at;
    p->low_id = low.id;
    p->high_at = high.at;
    p->high_id = high.id;
}

/* Whether an index has the rows of the kind that is asked for. */
static bool kind_leads(const struct list *list, const struct list_params *p)
{
    for (size_t i = 0; list->frequent && list->frequent[i]; i++)
        if (text_equal(p->kind, text_of(list->frequent[i])))
            return false;
    return list->outcomes ? p->passed != BOOL_NULL : p->kind.at != NULL;
}

/*
 * Chooses the indexes. If the order is that of ids, the rows of a user are found by the user's name, in the
 * way that PostgreSQL plans for it.
 */
static void choose_indexes(const struct list *list, struct list_params *p)
{
    bool by_id = text_equal(p->order, TEXT("id"));
    bool kind = kind_leads(list, p);
    const struct text leads[] = {p->user_id.at && !by_id ? TEXT("user_id") : TEXT_NULL,
                                 p->lab_type.at ? TEXT("lab_type") : TEXT_NULL,
                                 kind ? TEXT("kind") : TEXT_NULL};
    bool range = by_id && (!moment_is_null(p->from) || !moment_is_null(p->to));
    size_t others = range + (!kind && p->kind.at);

    p->lead = TEXT_NULL;
    p->rest = range ? TEXT("time") : TEXT_NULL;
    for (size_t i = 0; i < COUNT(leads); i++) {
        if (!leads[i].at)
            continue;
        bool leading = !by_id && !p->lead.at;
        others += !leading;
        *(leading ? &p->lead : &p->rest) = leads[i];
    }
    p->look_at = others ? LIST_LOOK_AT : p->limit;
}

static struct list_params params_of(const struct list *list, const struct list_query *query,
                                    const struct range *range, const struct place *place)
{
    struct list_params p = {.order = query->order,
                            .user_id = query->user_id,
                            .client_id = query->client_id,
                            .lab_type = query->lab_type,
                            .kind = query->kind,
                            .from = range->from,
                            .to = range->to,
                            .passed = query->passed,
                            .limit = query->limit + 1};

    set_places(&p, range, *place);
    choose_indexes(list, &p);
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

enum reply list_reply(struct request *rq, const struct list *list)
{
    const struct list_query *query = rq->query;
    struct list_page page = {0};
    struct range range;
    struct place place;

    if (!auth_require_user(rq, query->user_id) || !read_place(rq, query, &place) ||
        !range_read(rq, &(struct range_text){query->from, query->to, query->zone}, &range))
        return REPLIED;
    const struct list_params params = params_of(list, query, &range, &place);
    struct call call = {.statement = list->statement, .params = &params, .bytes_most = PAGE_ROWS_BYTES};
    if (query_call(rq, &call) == QUERY_REPLIED)
        return REPLIED;
    page.items = (struct rows){call.rows, call.count};
    if (cut_page(list, call.cut, query->limit, &page.items, &place)) {
        char *next = arena_alloc(&rq->arena, CURSOR_TEXT);
        if (!next)
            return reply_unavailable(rq);
        cursor_print(next, hash_of(query), place);
        page.next = text_of(next);
        page_add_link(rq, page.next);
    }
    return reply(rq, list->page, &page);
}
