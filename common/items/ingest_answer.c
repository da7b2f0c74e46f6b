/* The answer to a request with many items: the outcome of each item and the totals. */
#include "common/items/ingest_items.h"

#include "common/serve/idempotency.h"

/* For the OpenAPI document only: the faults of an item are printed when they are found. */
struct item_fault {
    struct text type, msg;
    struct kept_json loc, ctx;
};

#define OF struct item_fault
static const struct field fault_fields[] = {
    FIELD(TEXT, type, .help = "The type of fault.", .example = "\"missing\""),
    FIELD(KEPT_LIST, loc, .flags = FIELD_MIXED, .help = "Where it is; the item's index follows `body`.",
          .example = "[\"body\",3,\"event_type\"]"),
    FIELD(TEXT, msg, .help = "What is wrong.", .example = "\"Field required\""),
    FIELD(OBJECT, ctx, .flags = FIELD_OPTIONAL, .help = "Bounds and reasons."),
};
static const struct shape fault_shape = SHAPE("ItemFault", "One fault of an item.", fault_fields);
#undef OF

struct outcome {
    int64_t index, id, code;
    struct text status, detail;
    struct kept_json errors;
};

#define OF struct outcome
static const struct field outcome_fields[] = {
    FIELD(INT, index, .help = "The item's place in the request, from 0; empty lines are not counted.",
          .example = "0"),
    FIELD(TEXT, status,
          .help = "stored, duplicate, failed, or not_stored: with `atomic`, because another item failed.",
          .example = "\"stored\""),
    FIELD(INT, id, .flags = FIELD_OPTIONAL,
          .help = "The id of the stored row, from this request or an earlier one.", .example = "101"),
    FIELD(INT, code, .flags = FIELD_OPTIONAL, .help = "The status that a single call would have."),
    FIELD(TEXT, detail, .flags = FIELD_OPTIONAL,
          .help = "What is wrong; cut where the answer would otherwise be too long to be kept for the "
                  "Idempotency-Key."),
    FIELD(KEPT_LIST, errors, .flags = FIELD_OPTIONAL, .of = &fault_shape,
          .help = "If the code is 422: the first 10 faults. Left out where the answer would otherwise be too "
                  "long to be kept for the Idempotency-Key."),
};
static const struct shape outcome_shape = SHAPE("ItemOutcome", "The outcome of an item.", outcome_fields);
#undef OF

struct answer {
    int64_t received, stored, duplicates, failed;
    struct text received_at;
    struct rows items;
};

#define OF struct answer
static const struct field answer_fields[] = {
    FIELD(INT, received, .help = "Number of items in the request.", .example = "1"),
    FIELD(INT, stored, .example = "1"),
    FIELD(INT, duplicates, .help = "Items whose client_id was already stored.", .example = "0"),
    FIELD(INT, failed, .example = "0"),
    FIELD(TEXT, received_at, .help = "By the service's clock, UTC.",
          .example = "\"2025-04-19T08:40:02.118843Z\""),
    FIELD(LIST, items, .of = &outcome_shape, .help = "In the order of the request.",
          .example = "[{\"index\":0,\"status\":\"stored\",\"id\":101}]"),
};
const struct shape ingest_answer_shape =
    SHAPE("IngestOutcome", "The outcome of a request with many items.", answer_fields);
#undef OF

static const char *const states[] = {[ITEM_GOOD] = "not_stored",
                                     [ITEM_STORED] = "stored",
                                     [ITEM_DUPLICATE] = "duplicate",
                                     [ITEM_FAILED] = "failed"};

/* Which items are listed, and with what: each shorter than the one before. */
enum listing { ALL_ITEMS, FAILED_ITEMS, FAILED_WITHOUT_ERRORS, FAILED_IN_SHORT, NO_ITEMS };

#define SHORT_DETAIL                                                                                         \
    40 /* bytes of a detail in short: with that, 10,000 failures are less than a mebibyte                    \
        */

static struct text detail_of(const struct item *item, enum listing listing)
{
    struct text detail = text_of(item->detail);

    if (listing < FAILED_IN_SHORT || detail.len <= SHORT_DETAIL)
        return detail;
    for (detail.len = SHORT_DETAIL; detail.len && (detail.at[detail.len] & 0xC0) == 0x80; detail.len--)
        ; /* not within a character */
    return detail;
}

static struct outcome outcome_of(const struct item *item, int64_t index, enum listing listing)
{
    bool there = item->state == ITEM_STORED || item->state == ITEM_DUPLICATE;
    bool failed = item->state == ITEM_FAILED;

    return (struct outcome){.index = index,
                            .status = text_of(states[item->state]),
                            .id = there ? item->id : INT_NULL,
                            .code = failed ? item->code : INT_NULL,
                            .detail = failed ? detail_of(item, listing) : TEXT_NULL,
                            .errors.bytes =
                                failed && listing < FAILED_WITHOUT_ERRORS ? item->errors : TEXT_NULL};
}

/* Counts the items by state and lists them; false: no memory. */
static bool list_outcomes(const struct items *items, enum listing listing, struct answer *answer)
{
    struct arena *arena = &items->rq->arena;
    struct outcome *list = arena_alloc(arena, (items->count + 1) * sizeof(*list));

    answer->items.items = list;
    for (size_t i = 0; list && i < items->count; i++) {
        const struct item *item = &items->list[i];
        answer->stored += item->state == ITEM_STORED;
        answer->duplicates += item->state == ITEM_DUPLICATE;
        answer->failed += item->state == ITEM_FAILED;
        if (listing == ALL_ITEMS || (item->state == ITEM_FAILED && listing < NO_ITEMS))
            list[answer->items.count++] = outcome_of(item, (int64_t)i, listing);
    }
    return list != NULL;
}

static enum reply answer_with(struct items *items, bool atomic, enum listing listing)
{
    struct request *rq = items->rq;
    struct answer answer = {.received = (int64_t)items->count};
    char *time = arena_alloc(&rq->arena, TIME_TEXT_MAX);

    if (!time || !list_outcomes(items, listing, &answer))
        return reply_unavailable(rq);
    answer.received_at = (struct text){time, time_print(time, items->received_at, items->of->form)};
    /* With `atomic` a duplicate does not make a failed request a partial success. */
    bool none = atomic || answer.stored + answer.duplicates == 0;
    reply(rq, &ingest_answer_shape, &answer);
    rq->status = !answer.failed ? 200 : none ? 422 : 207;
    return REPLIED;
}

enum reply items_answer(struct items *items, bool atomic, bool only_failed)
{
    struct request *rq = items->rq;
    enum listing listing = only_failed ? FAILED_ITEMS : ALL_ITEMS;
    enum reply replied = answer_with(items, atomic, listing);

    /* An answer that is too long to be kept for the Idempotency-Key would lose what was stored. */
    bool kept = rq->idempotency && rq->transaction && !rq->transaction_doomed;
    while (kept && rq->out.len > IDEMPOTENCY_ANSWER_LIMIT && listing < NO_ITEMS)
        replied = answer_with(items, atomic, ++listing);
    return replied;
}
