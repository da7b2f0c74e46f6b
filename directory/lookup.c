#include "directory/lookup.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/declare.h"
#include "common/base/fiber.h"
#include "common/base/log.h"
#include "common/base/loop.h"
#include "common/http/client.h"
#include "common/http/request.h"
#include "common/json/json.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "directory/lookup_metrics.h"
#include "directory/lookup_plain.h"

#define BATCH_ITEMS  512                /* users, and types, of one call */
#define ANSWER_LIMIT ((size_t)64 << 20) /* bytes; a description may have 64 Ki code points */
#define PLAIN_PERIOD (30 * SECOND)      /* until a service without /lookup is asked for it again */

/* One request's question; lives on its fiber's stack. */
struct question {
    struct question *next;
    struct request *rq;
    struct fiber *fiber;
    int64_t deadline;
    const struct text *user_ids, *lab_types;
    size_t user_count, lab_count;
    struct known_user *users;
    struct known_lab *labs;
    enum { ASKED, ANSWERED, PLAIN, UNKNOWN } state;
};

struct lookups {
    struct worker *worker;
    char *url;
    struct question *head, **tail;
    struct timer timer; /* the head's deadline */
    struct question *sent;
    struct client_call call; /* the batch on its way */
    struct arena arena;      /* its memory */
    bool busy;
    size_t user_count, type_count; /* what it asks for */
    struct text types[BATCH_ITEMS];
    int64_t plain_until;
};

void lookup_reply_unavailable(struct request *rq)
{
    metric_count(&rq->worker->lookup_metrics->failures);
    reply_unavailable_because(rq, "User Progress Service unavailable");
}

static void settle(struct question *list, int state)
{
    while (list) {
        struct question *next = list->next;
        list->state = state;
        fiber_resume(list->fiber);
        list = next;
    }
}

static size_t place_of_type(const struct lookups *l, struct text type)
{
    for (size_t i = 0; i < l->type_count; i++)
        if (text_equal(l->types[i], type))
            return i;
    return l->type_count;
}

/* Reading the answer: `{"users":[{"id","username"}|null…],"labs":[{…}|null…]}`, in the order of the question
 */

static struct text text_member(struct request *rq, const struct json *object, const char *name)
{
    const struct json *member = json_member(object, name);

    return member && json_type(member) == JSON_TEXT ? arena_text(&rq->arena, json_text(member)) : TEXT_NULL;
}

static bool read_user(struct question *q, size_t i, const struct json *item)
{
    struct known_user *user = &q->users[i];

    *user = (struct known_user){TEXT_NULL, TEXT_NULL};
    if (item && json_type(item) == JSON_NULL)
        return true;
    if (!item || json_type(item) != JSON_OBJECT)
        return false;
    user->id = text_member(q->rq, item, "id");
    user->username = text_member(q->rq, item, "username");
    return text_equal(user->id, q->user_ids[i]);
}

static bool read_lab(struct question *q, size_t i, const struct json *item)
{
    struct known_lab *lab = &q->labs[i];

    *lab = (struct known_lab){TEXT_NULL, TEXT_NULL, TEXT_NULL, TEXT_NULL};
    if (item && json_type(item) == JSON_NULL)
        return true;
    if (!item || json_type(item) != JSON_OBJECT)
        return false;
    lab->lab_type = text_member(q->rq, item, "lab_type");
    lab->name = text_member(q->rq, item, "name");
    lab->description = text_member(q->rq, item, "description");
    lab->difficulty = text_member(q->rq, item, "difficulty");
    return text_equal(lab->lab_type, q->lab_types[i]);
}

/* The items of a list member as an array of `count`; NULL when it is none of that length. */
static const struct json **items_of(struct arena *arena, const struct json *root, const char *name,
                                    size_t count)
{
    const struct json *list = json_type(root) == JSON_OBJECT ? json_member(root, name) : NULL;
    const struct json **items = arena_alloc(arena, (count + 1) * sizeof(*items));
    size_t n = 0;

    if (!list || !items || json_type(list) != JSON_LIST)
        return NULL;
    for (const struct json *item = json_first(list); item; item = json_next(item)) {
        if (n == count)
            return NULL;
        items[n++] = item;
    }
    return n == count ? items : NULL;
}

static bool read_answer(struct lookups *l)
{
    const struct json *root;
    struct json_error error;
    size_t at = 0;

    if (json_parse(&l->arena, l->call.answer, &root, &error) != JSON_OK)
        return false;
    const struct json **users = items_of(&l->arena, root, "users", l->user_count);
    const struct json **labs = items_of(&l->arena, root, "labs", l->type_count);
    if (!users || !labs)
        return false;
    for (struct question *q = l->sent; q; q = q->next) {
        for (size_t i = 0; i < q->user_count; i++)
            if (!read_user(q, i, users[at++]))
                return false;
        for (size_t i = 0; i < q->lab_count; i++)
            if (!read_lab(q, i, labs[place_of_type(l, q->lab_types[i])]))
                return false;
    }
    return true;
}

static void batch_done(struct client_call *call)
{
    struct lookups *l = container_of(call, struct lookups, call);
    struct question *sent = l->sent;
    int state = UNKNOWN;

    if (call->status == 404 || call->status == 405) {
        l->plain_until = l->worker->loop.now + PLAIN_PERIOD;
        state = PLAIN;
    } else if (call->status == 200 && read_answer(l)) {
        state = ANSWERED;
    } else {
        log_line(LOG_WARNING, "User Progress gave no answer to a lookup", NULL);
    }
    l->sent = NULL;
    l->busy = false;
    arena_reset(&l->arena);
    settle(sent, state);
}

/* Sending */

static void write_texts(struct writer *w, const struct text *texts, size_t count, size_t before)
{
    for (size_t i = 0; i < count; i++) {
        write_text(w, before + i ? TEXT(",") : TEXT(""));
        write_json_text(w, texts[i]);
    }
}

/* Moves what fits into one call from the queue to `sent`. */
static void gather(struct lookups *l)
{
    struct question **end = &l->sent;

    l->user_count = l->type_count = 0;
    while (l->head && l->user_count + l->head->user_count <= BATCH_ITEMS &&
           l->type_count + l->head->lab_count <= BATCH_ITEMS) {
        struct question *q = l->head;
        l->head = q->next;
        q->next = NULL;
        *end = q;
        end = &q->next;
        l->user_count += q->user_count;
        for (size_t i = 0; i < q->lab_count; i++)
            if (place_of_type(l, q->lab_types[i]) == l->type_count)
                l->types[l->type_count++] = q->lab_types[i];
    }
    if (!l->head)
        l->tail = &l->head;
}

static bool write_question(struct lookups *l, struct text *body)
{
    struct writer w = writer_start(&l->arena);
    size_t written = 0;

    write_literal(&w, "{\"user_ids\":[");
    for (struct question *q = l->sent; q; q = q->next) {
        write_texts(&w, q->user_ids, q->user_count, written);
        written += q->user_count;
    }
    write_literal(&w, "],\"lab_types\":[");
    write_texts(&w, l->types, l->type_count, 0);
    write_literal(&w, "]}");
    *body = (struct text){w.at, w.len};
    return !w.failed;
}

static void send_batch(struct lookups *l)
{
    gather(l);
    l->call = (struct client_call){.arena = &l->arena,
                                   .method = "POST",
                                   .url = l->url,
                                   .answer_limit = ANSWER_LIMIT,
                                   .deadline = l->sent->deadline,
                                   .done = batch_done};
    client_header(&l->call, "Content-Type", "application/json");
    lookup_own_headers(&l->call, l->sent->rq);
    l->busy = true;
    metric_count(&l->worker->lookup_metrics->calls[LOOKUP_BATCH]);
    if (write_question(l, &l->call.body) && client_start(l->worker, &l->call))
        return;
    struct question *sent = l->sent;
    l->sent = NULL;
    l->busy = false;
    arena_reset(&l->arena);
    settle(sent, UNKNOWN);
}

void lookups_flush(struct worker *worker)
{
    struct lookups *l = worker->lookups;

    if (!l || !l->head || l->busy)
        return;
    if (worker->loop.now >= l->plain_until) {
        send_batch(l);
        return;
    }
    struct question *waiting = l->head;
    l->head = NULL;
    l->tail = &l->head;
    settle(waiting, PLAIN);
}

static void expire(struct timer *timer)
{
    struct lookups *l = container_of(timer, struct lookups, timer);

    while (l->head && l->head->deadline <= l->worker->loop.now) {
        struct question *late = l->head;
        l->head = late->next;
        if (!l->head)
            l->tail = &l->head;
        late->next = NULL;
        settle(late, UNKNOWN);
    }
    if (l->head && !timer_set(&l->worker->loop, timer, l->head->deadline))
        log_line(LOG_ERROR, "no memory for a timer", NULL);
}

/* Asking */

bool lookup(struct request *rq, const struct text *user_ids, size_t user_count, struct known_user *users,
            const struct text *lab_types, size_t lab_count, struct known_lab *labs)
{
    struct lookups *l = rq->worker->lookups;
    int64_t since = rq->loop->now;
    int64_t deadline = since + rq->worker->settings->directory.timeout * MILLISECOND;
    struct question q = {.rq = rq,
                         .fiber = fiber_current(),
                         .deadline = deadline < rq->deadline ? deadline : rq->deadline,
                         .user_ids = user_ids,
                         .user_count = user_count,
                         .users = users,
                         .lab_types = lab_types,
                         .lab_count = lab_count,
                         .labs = labs};

    if (user_count > BATCH_ITEMS || lab_count > BATCH_ITEMS ||
        !timer_set(rq->loop, &l->timer, l->head ? l->timer.at : q.deadline)) {
        lookup_reply_unavailable(rq);
        return false;
    }
    metric_count(&rq->worker->lookup_metrics->lookups);
    *l->tail = &q;
    l->tail = &q.next;
    fiber_wait();
    rq->timing.lookup += rq->loop->now - since;
    if (q.state == PLAIN)
        q.state = lookup_plain(rq, q.deadline, user_ids, user_count, users, lab_types, lab_count, labs)
                      ? ANSWERED
                      : UNKNOWN;
    if (q.state != ANSWERED)
        lookup_reply_unavailable(rq);
    return q.state == ANSWERED;
}

bool lookup_require(struct request *rq, struct text user_id, struct text lab_type)
{
    struct known_user user;
    struct known_lab lab;

    if (!lookup(rq, &user_id, 1, &user, &lab_type, 1, &lab))
        return false;
    if (user.id.at && lab.lab_type.at)
        return true;
    reply_error(rq, 404, user.id.at ? "Lab type not found" : "User not found");
    return false;
}

bool lookup_require_user(struct request *rq, struct text user_id, struct known_user *user)
{
    if (!lookup(rq, &user_id, 1, user, NULL, 0, NULL))
        return false;
    if (!user->id.at)
        reply_error(rq, 404, "User not found");
    return user->id.at != NULL;
}

bool lookup_require_lab(struct request *rq, struct text lab_type, struct known_lab *lab)
{
    if (!lookup(rq, NULL, 0, NULL, &lab_type, 1, lab))
        return false;
    if (!lab->lab_type.at)
        reply_error(rq, 404, "Lab type not found");
    return lab->lab_type.at != NULL;
}

/* Opening and closing */

bool lookups_open(struct worker *worker)
{
    struct lookups *l = calloc(1, sizeof(*l));
    struct text base = client_base(worker->settings->directory.user_progress_url);

    if (!l)
        return false;
    worker->lookups = l;
    l->worker = worker;
    l->tail = &l->head;
    l->timer.fire = expire;
    worker->lookup_metrics = metrics_add_room(&worker->metrics, &lookup_metric_group);
    return worker->lookup_metrics && asprintf(&l->url, "%.*s/lookup", (int)base.len, base.at) >= 0;
}

void lookups_close(struct worker *worker)
{
    if (!worker->lookups)
        return;
    timer_cancel(&worker->loop, &worker->lookups->timer);
    arena_free(&worker->lookups->arena);
    free(worker->lookups->url);
    free(worker->lookups);
    worker->lookups = NULL;
}
