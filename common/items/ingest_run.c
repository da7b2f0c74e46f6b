/* The steps of a request with many items, in order: read, look up, store, answer. */
#include "common/items/ingest.h"

#include <stdlib.h>

#include "common/auth/auth.h"
#include "common/base/turn.h"
#include "common/items/distinct.h"
#include "common/items/ingest_items.h"
#include "common/serve/metrics.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"

#define AT_ONCE 8 /* requests with many items at a time, per connection for them; more are answered 503 */

struct ingest_query {
    int8_t atomic;
    struct text items;
};

static const char *const which_items[] = {"all", "failed", NULL};

#define OF struct ingest_query
static const struct field query_fields[] = {
    FIELD(BOOL, atomic, .fallback = "false", .help = "Store all items or none."),
    FIELD(TEXT, items, .choices = which_items, .fallback = "\"all\"",
          .help = "Which items the answer lists."),
};
const struct shape ingest_query_shape = SHAPE("IngestQuery", NULL, query_fields);
#undef OF

/* Users and lab types */

struct names {
    struct distinct users, labs;
    size_t *user_of, *lab_of; /* by item: the place of its user and of its lab type */
};

static bool gather(struct items *items, struct names *names)
{
    struct arena *arena = &items->rq->arena;

    names->user_of = arena_alloc(arena, (items->count + 1) * sizeof(size_t));
    names->lab_of = arena_alloc(arena, (items->count + 1) * sizeof(size_t));
    if (!names->user_of || !names->lab_of || !distinct_open(&names->users, arena, items->count) ||
        !distinct_open(&names->labs, arena, items->count)) {
        reply_unavailable(items->rq);
        return false;
    }
    for (size_t i = 0; i < items->count; i++) {
        const struct item *item = &items->list[i];
        turn_share();
        if (item->state != ITEM_GOOD)
            continue;
        names->user_of[i] = distinct_place(&names->users, *item_text(item, items->of->user_id));
        names->lab_of[i] = distinct_place(&names->labs, *item_text(item, items->of->lab_type));
    }
    return true;
}

/* The detail of an item with an unknown lab type (struct ingest). */
static const char *no_lab(struct items *items, struct text lab_type)
{
    const char *words = items->of->no_lab;

    if (words[strlen(words) - 1] != ' ')
        return words;
    return arena_printf(&items->rq->arena, "%s%.*s", words, (int)lab_type.len, lab_type.at);
}

/* Fails the items whose user or lab type does not exist. False: the reply is 503. */
static bool look_up(struct items *items)
{
    struct arena *arena = &items->rq->arena;
    struct names names;

    if (!gather(items, &names))
        return false;
    if (!names.users.count)
        return true;
    bool *has_user = arena_zalloc(arena, names.users.count), *has_lab = arena_zalloc(arena, names.labs.count);
    if (!has_user || !has_lab) {
        reply_unavailable(items->rq);
        return false;
    }
    if (!items->of->look_up(items->rq, (struct texts){names.users.list, names.users.count}, has_user,
                            (struct texts){names.labs.list, names.labs.count}, has_lab))
        return false;
    for (size_t i = 0; i < items->count; i++) {
        struct item *item = &items->list[i];
        if (item->state != ITEM_GOOD)
            continue;
        if (!has_user[names.user_of[i]])
            item_fail(item, 404, "User not found");
        else if (!has_lab[names.lab_of[i]])
            item_fail(item, 404, no_lab(items, *item_text(item, items->of->lab_type)));
    }
    return true;
}

/* Fails the items of other users than the token's own. */
static void judge_owners(struct items *items)
{
    const struct request *rq = items->rq;

    for (size_t i = 0; rq->own_user_only && i < items->count; i++) {
        struct item *item = &items->list[i];
        if (item->state == ITEM_GOOD && !text_equal(rq->subject, *item_text(item, items->of->user_id)))
            item_fail(item, 403, "The token does not reach this user");
    }
}

static void count_outcomes(const struct items *items)
{
    static const enum ingest_outcome outcomes[] = {
        [ITEM_STORED] = INGEST_STORED, [ITEM_DUPLICATE] = INGEST_DUPLICATE, [ITEM_FAILED] = INGEST_FAILED};
    struct ingest_metrics *metrics = items->rq->worker->ingest_metrics;

    for (size_t i = 0; i < items->count; i++)
        if (items->list[i].state != ITEM_GOOD)
            metric_count(&metrics->items[outcomes[items->list[i].state]]);
}

static enum reply run(struct items *items)
{
    const struct ingest_query *query = items->rq->query;
    bool atomic = query->atomic == 1;

    if (!items_read(items))
        return REPLIED;
    judge_owners(items);
    if (!look_up(items) || !items_store(items, atomic))
        return REPLIED;
    count_outcomes(items);
    return items_answer(items, atomic, text_equal(query->items, text_of(which_items[1])));
}

enum reply ingest_reply(struct request *rq, const struct ingest *ingest)
{
    struct worker *worker = rq->worker;
    struct items items = {.rq = rq, .of = ingest, .received_at = clock_of_day()};

    if (worker->ingesting >= AT_ONCE * (size_t)worker->settings->pg.ingest_connections)
        return reply_unavailable(rq);
    worker->ingesting++;
    enum reply replied = run(&items);
    worker->ingesting--;
    arena_free(&items.scratch);
    return replied;
}

/* Metrics */

static const char *const outcome_names[] = {"stored", "duplicate", "failed"}; /* by enum ingest_outcome */

static const struct metric_family families[] = {
    {"ingest_items_total", METRIC_COUNTER,
     METRIC_EACH(struct ingest_metrics, items, "outcome", outcome_names),
     .help = "Items of requests with many items, by outcome."},
};

static const struct metric_group metric_group = {sizeof(struct ingest_metrics), families, COUNT(families)};

static bool open_metrics(struct worker *worker, bool first)
{
    (void)first;
    worker->ingest_metrics = metrics_add_room(&worker->metrics, &metric_group);
    return worker->ingest_metrics != NULL;
}

const struct part ingest_part = {.name = "ingest", .open = open_metrics};
