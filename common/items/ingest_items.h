/*
 * What the files of ingest share: the items of one request, and the steps that they go through.
 */
#ifndef COMMON_ITEMS_INGEST_ITEMS_H
#define COMMON_ITEMS_INGEST_ITEMS_H

#include "common/base/fiber.h"
#include "common/base/loop.h"
#include "common/http/request.h"
#include "common/items/ingest.h"

enum item_state { ITEM_GOOD, ITEM_STORED, ITEM_DUPLICATE, ITEM_FAILED };

struct item {
    void *in; /* the service's struct; NULL where the item has none */
    enum item_state state;
    int code; /* of a failed one */
    int64_t id;
    const char *detail;
    struct text errors;               /* of code 422: the inside of a JSON list */
    size_t size;                      /* bytes, as it came */
    const struct item *twin;          /* an earlier good one with the same client_id */
    const struct ingest_known *known; /* the row that had its client_id before */
};

struct items {
    struct request *rq;
    const struct ingest *of;
    struct moment received_at;
    struct item *list;
    size_t count, room;
    struct arena scratch; /* of the item that is read */
};

/* The members of an item's struct. */
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

/* ingest_read.c: the items of the body, valid or failed. False: the reply is there. Waits. */
bool items_read(struct items *items) MUST_CHECK;

/* ingest_item.c: reads one item from its bytes. JSON_NO_MEMORY: exhausted; JSON_UNREADABLE and JSON_INVALID
 * are for the caller to tell. */
enum json_status item_read(struct items *items, struct item *item, struct text bytes,
                           struct json_error *error);

/* ingest_item.c: the fault of an item that is no JSON. False: memory is exhausted. */
bool item_fail_json(struct items *items, struct item *item, const struct json_error *error) MUST_CHECK;

/* ingest_store.c: stores what is good, or nothing where `atomic` and one has failed. False: the reply is
 * there. Waits. */
bool items_store(struct items *items, bool atomic) MUST_CHECK;

/* ingest_answer.c: replies how it went. */
enum reply items_answer(struct items *items, bool only_failed);

#endif
