/* Shared by the files of ingest: the items of a request, and the steps of its work. */
#ifndef COMMON_ITEMS_INGEST_ITEMS_H
#define COMMON_ITEMS_INGEST_ITEMS_H

#include "common/base/fiber.h"
#include "common/base/loop.h"
#include "common/http/request.h"
#include "common/items/ingest.h"

enum item_state { ITEM_GOOD, ITEM_STORED, ITEM_DUPLICATE, ITEM_FAILED };

struct item {
    void *in; /* the service's struct; NULL if the item could not be read */
    enum item_state state;
    int code; /* status code of a failed item */
    int64_t id;
    const char *detail;
    struct text errors;               /* if the code is 422: the elements of a JSON list */
    size_t size;                      /* in bytes, as sent */
    const struct item *twin;          /* an earlier valid item with the same client_id */
    const struct ingest_known *known; /* the row that already has its client_id */
};

struct items {
    struct request *rq;
    const struct ingest *of;
    struct moment received_at;
    struct item *list;
    size_t count, room;
    struct arena scratch; /* memory of the item that is being read */
};

/* Pointers to the members of an item's struct, by their offsets. */
static inline struct text *item_text(const struct item *item, size_t at)
{
    return (struct text *)(void *)((char *)item->in + at);
}

static inline int64_t *item_id(const struct item *item, size_t at)
{
    return (int64_t *)(void *)((char *)item->in + at);
}

static inline struct moment *item_time(const struct item *item, size_t at)
{
    return (struct moment *)(void *)((char *)item->in + at);
}

void item_fail(struct item *item, int code, const char *detail);

/* ingest_read.c: reads the items of the body, valid or failed. False: a reply is written. Waits. */
bool items_read(struct items *items) MUST_CHECK;

/*
 * ingest_item.c: reads one item from its bytes. It does not report JSON_UNREADABLE and JSON_INVALID; the
 * caller does.
 */
enum json_status item_read(struct items *items, struct item *item, struct text bytes,
                           struct json_error *error);

/* ingest_item.c: marks an item that is not JSON as failed. False: memory is exhausted. */
bool item_fail_json(struct items *items, struct item *item, const struct json_error *error) MUST_CHECK;

/*
 * ingest_store.c: stores the valid items; with `atomic`, nothing if an item has failed. False: a reply is
 * written. Waits.
 */
bool items_store(struct items *items, bool atomic) MUST_CHECK;

/* ingest_answer.c: replies with the outcome; `atomic` as for items_store. */
enum reply items_answer(struct items *items, bool atomic, bool only_failed);

#endif
