/*
 * Stores the valid items in one transaction. Ids are taken in the order of the items. Rows are written in the
 * order of their client ids, so that two requests with the same client ids cannot deadlock.
 */
#include "common/items/ingest_items.h"

#include <stdlib.h>

#include "common/base/turn.h"
#include "common/items/ingest_store.sql.h"
#include "common/serve/query.h"

#define CHUNK_ITEMS 1000                /* the most items of one statement */
#define CHUNK_BYTES ((size_t)512 << 10) /* the most bytes of its items, as sent, before the last one */

struct named_index {
    struct text name;
    int8_t valid;
};

STATEMENT(look_at_index, READ, PARAMS(struct named_index, name), ROW(struct named_index, valid));

/* The items to be written: those with client ids sorted by them, then the others. */
struct writing {
    struct items *items;
    struct item **order;
    size_t count, named; /* `named`: how many of them have client ids, at the beginning */
    struct item **by_id; /* in the order of the items, which is that of their ids */
};

static struct text client_id_of(const struct item *item, const struct ingest *of)
{
    return *item_text(item, of->client_id);
}

/* Compares by client id, then by the place among the items. */
static int compare_items(const void *a, const void *b, void *of)
{
    const struct item *x = *(struct item *const *)a, *y = *(struct item *const *)b;
    int order = text_compare(client_id_of(x, of), client_id_of(y, of));

    return order ? order : (x > y) - (x < y);
}

static int compare_known(const void *a, const void *b)
{
    return text_compare(((const struct ingest_known *)a)->client_id,
                        ((const struct ingest_known *)b)->client_id);
}

/* Sorts the valid items; a later one with the same client id waits for the outcome of the first. */
static bool arrange(struct writing *w)
{
    struct items *items = w->items;
    const struct ingest *of = items->of;
    struct arena *arena = &items->rq->arena;
    size_t named = 0;

    w->order = arena_alloc(arena, (items->count + 1) * sizeof(struct item *));
    w->by_id = arena_alloc(arena, (items->count + 1) * sizeof(struct item *));
    if (!w->order || !w->by_id)
        return false;
    for (size_t i = 0; i < items->count; i++)
        if (items->list[i].state == ITEM_GOOD && client_id_of(&items->list[i], of).at)
            w->order[named++] = &items->list[i];
    qsort_r(w->order, named, sizeof(struct item *), compare_items, (void *)(uintptr_t)of);
    for (size_t i = 0; i < named; i++) {
        struct item *last = w->named ? w->order[w->named - 1] : NULL;
        if (last && text_equal(client_id_of(last, of), client_id_of(w->order[i], of)))
            w->order[i]->twin = last;
        else
            w->order[w->named++] = w->order[i];
    }
    w->count = w->named;
    size_t drawn = 0;
    for (size_t i = 0; i < items->count; i++) {
        struct item *item = &items->list[i];
        if (item->state != ITEM_GOOD || item->twin)
            continue;
        w->by_id[drawn++] = item;
        if (!client_id_of(item, of).at)
            w->order[w->count++] = item;
    }
    return true;
}

/* Runs a statement that must not end in a conflict; false: the reply is 503. */
static bool ask(struct request *rq, const struct statement *statement, const void *params, struct rows *rows)
{
    enum query_result result = query_rows(rq, statement, params, rows);

    if (result == QUERY_ROW || result == QUERY_NONE)
        return true;
    if (result == QUERY_CONFLICT)
        reply_unavailable(rq);
    return false;
}

static bool draw_ids(struct writing *w)
{
    const struct ingest *of = w->items->of;
    const struct ingest_draw draw = {(int64_t)w->count};
    struct rows rows;

    if (!ask(w->items->rq, of->draw, &draw, &rows))
        return false;
    const struct ingest_id *ids = rows.items;
    bool rising = rows.count == w->count;
    for (size_t i = 0; rising && i < rows.count; i++) {
        rising = !i || ids[i].id > ids[i - 1].id;
        w->by_id[i]->id = *item_id(w->by_id[i], of->id) = ids[i].id;
    }
    if (!rising)
        reply_unavailable(w->items->rq);
    return rising;
}

static int compare_id(const void *id, const void *item)
{
    int64_t a = ((const struct ingest_id *)id)->id, b = (*(struct item *const *)item)->id;

    return (a > b) - (a < b);
}

/* How many items, from `at` on, go into one statement. */
static size_t chunk_at(const struct writing *w, size_t at)
{
    size_t bytes = 0, count = 0;

    while (at + count < w->count && count < CHUNK_ITEMS && (!count || bytes <= CHUNK_BYTES))
        bytes += w->order[at + count++]->size;
    return count;
}

/* Writes a chunk; items whose client id is already stored stay ITEM_GOOD. */
static bool insert(struct writing *w, size_t at, size_t count)
{
    const void *params[CHUNK_ITEMS];
    struct rows rows;

    for (size_t i = 0; i < count; i++)
        params[i] = w->order[at + i]->in;
    if (!ask(w->items->rq, w->items->of->insert, &(struct param_rows){params, count}, &rows))
        return false;
    const struct ingest_id *ids = rows.items;
    for (size_t i = 0; i < rows.count; i++) {
        struct item **item = bsearch(&ids[i], w->by_id, w->count, sizeof(*w->by_id), compare_id);
        if (item)
            (*item)->state = ITEM_STORED;
    }
    return true;
}

/* Decides about an item whose client id is stored: the same item is a duplicate, another one fails. */
static void settle(struct item *item, const struct ingest *of, const struct ingest_known *known)
{
    bool same = text_equal(*item_text(item, of->user_id), known->user_id) &&
                text_equal(*item_text(item, of->lab_type), known->lab_type) &&
                (!of->kind || text_equal(*item_text(item, of->kind), known->kind));

    if (same) {
        item->state = ITEM_DUPLICATE;
        item->id = known->id;
    } else {
        item_fail(item, 409, of->other);
    }
}

/* Finds the rows for the client ids of a chunk; every item that was not stored has one. */
static bool settle_chunk(struct writing *w, size_t at, size_t count)
{
    const struct ingest *of = w->items->of;
    struct text ids[CHUNK_ITEMS];
    struct ingest_find find = {{ids, 0}};
    struct rows rows;

    for (size_t i = at; i < at + count; i++)
        if (w->order[i]->state == ITEM_GOOD && i < w->named)
            ids[find.client_ids.count++] = client_id_of(w->order[i], of);
    if (!find.client_ids.count)
        return true;
    if (!ask(w->items->rq, of->find, &find, &rows))
        return false;
    if (rows.count)
        qsort(rows.items, rows.count, sizeof(struct ingest_known), compare_known);
    for (size_t i = at; i < at + count; i++) {
        struct item *item = w->order[i];
        if (item->state != ITEM_GOOD || i >= w->named)
            continue;
        const struct ingest_known key = {.client_id = client_id_of(item, of)};
        item->known = rows.count ? bsearch(&key, rows.items, rows.count, sizeof(key), compare_known) : NULL;
        if (item->known)
            settle(item, of, item->known);
    }
    return true;
}

/* Decides about the items that waited for an earlier one with their client id. */
static void settle_twins(struct items *items)
{
    const struct ingest *of = items->of;

    for (size_t i = 0; i < items->count; i++) {
        struct item *item = &items->list[i];
        const struct item *first = item->twin;
        if (!first || item->state != ITEM_GOOD)
            continue;
        const struct ingest_known own = {.id = first->id,
                                         .user_id = *item_text(first, of->user_id),
                                         .lab_type = *item_text(first, of->lab_type),
                                         .kind = of->kind ? *item_text(first, of->kind) : TEXT_NULL};
        settle(item, of, first->known ? first->known : &own);
    }
}

static bool write_all(struct writing *w)
{
    if (!draw_ids(w))
        return false;
    for (size_t at = 0, count; at < w->count; at += count) {
        count = chunk_at(w, at);
        if (!insert(w, at, count) || !settle_chunk(w, at, count))
            return false;
        turn_share();
    }
    for (size_t i = 0; i < w->count; i++) {
        if (w->order[i]->state == ITEM_GOOD) { /* its row was deleted meanwhile, or its id is in use */
            reply_unavailable(w->items->rq);
            return false;
        }
    }
    settle_twins(w->items);
    return true;
}

/* Whether the index is valid: without it a client id could be stored twice. False: a reply is written. */
static bool is_unique(struct items *items)
{
    struct named_index index = {.name = items->of->index};

    switch (query_row(items->rq, &look_at_index, &index, &index)) {
    case QUERY_ROW:
        if (index.valid == 1)
            return true;
        break;
    case QUERY_REPLIED:
        return false;
    default:
        break;
    }
    reply_unavailable_because(items->rq, "client_id cannot be taken yet");
    return false;
}

static bool any_failed(const struct items *items)
{
    for (size_t i = 0; i < items->count; i++)
        if (items->list[i].state == ITEM_FAILED)
            return true;
    return false;
}

/* Rolls back, and forgets what the transaction had stored. */
static void take_back(struct items *items)
{
    query_rollback(items->rq);
    for (size_t i = 0; i < items->count; i++) {
        struct item *item = &items->list[i];
        bool of_ours = item->state == ITEM_DUPLICATE && !item->known && !(item->twin && item->twin->known);
        if (item->state == ITEM_STORED || of_ours)
            item->state = ITEM_GOOD;
    }
}

bool items_store(struct items *items, bool atomic)
{
    struct writing w = {.items = items};

    if (atomic && any_failed(items))
        return true;
    if (!arrange(&w)) {
        reply_unavailable(items->rq);
        return false;
    }
    if (!w.count)
        return true;
    if ((w.named && !is_unique(items)) || !query_begin(items->rq))
        return false;
    if (!write_all(&w)) {
        query_rollback(items->rq);
        return false;
    }
    if (!atomic || !any_failed(items))
        return query_commit(items->rq);
    take_back(items);
    return true;
}
