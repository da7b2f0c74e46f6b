#include "directory/lookup_call.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/fiber.h"
#include "common/base/log.h"
#include "common/base/loop.h"
#include "common/base/uuid.h"
#include "common/http/client.h"
#include "common/http/request.h"
#include "common/http/url.h"
#include "common/json/json.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "directory/lookup_metrics.h"

#define NAME_ANSWER  ((size_t)4 << 10) /* bytes of the answer for each name, not counting the name */
#define LAB_DETAILS  ((size_t)1 << 20) /* further bytes for a lab with its details: two strings of 64 Ki */
#define ALL_DETAILS  ((size_t)8 << 20) /* of all labs of a call */
#define PLAIN_PERIOD (30 * SECOND)     /* after this time, a service without /lookup is asked for it again */
#define SHARERS_MAX  1400              /* bytes of request ids in one line of the log */

struct lookups {
    struct worker *worker;
    char *url;
    struct waiting_queue waiting; /* questions that are in no call yet */
    struct waiting_queue asked;   /* those of the call in progress */
    bool busy;                    /* a call is in progress */
    bool details;                 /* the call asks for them */
    struct client_call call;
    struct arena arena; /* the call's memory */
    struct names users, types;
    int64_t plain_until;
};

int64_t lookup_deadline(const struct request *rq)
{
    int64_t deadline = rq->loop->now + rq->worker->settings->directory.timeout * MILLISECOND;

    return deadline < rq->deadline ? deadline : rq->deadline;
}

void lookup_authorize(struct client_call *call, struct request *rq)
{
    const char *token = rq->worker->settings->auth.service_token;
    char *header = token ? arena_printf(call->arena, "Bearer %s", token) : NULL;

    if (header)
        client_header(call, "Authorization", header);
}

static bool add_names(struct lookups *l, const struct question *q)
{
    for (size_t i = 0; i < q->user_count; i++)
        if (user_can_exist(q->user_ids[i]) && !names_add(&l->users, &l->arena, q->user_ids[i]))
            return false;
    for (size_t i = 0; i < q->lab_count; i++)
        if (lab_can_exist(q->lab_types[i]) && !names_add(&l->types, &l->arena, q->lab_types[i]))
            return false;
    return true;
}

/* Ending */

static void end_question(struct question *q, enum question_state state)
{
    q->state = state;
    fiber_resume(q->fiber);
}

static void question_late(struct waiting *waiting)
{
    end_question(container_of(waiting, struct question, waiting), QUESTION_UNKNOWN);
}

static struct question *next_question(struct waiting_queue *queue)
{
    struct waiting *first = waiting_next(queue);

    return first ? container_of(first, struct question, waiting) : NULL;
}

static void end_all(struct waiting_queue *queue, enum question_state state)
{
    struct question *q;

    /*
     * A resumed fiber may ask again: its next question waits in the other queue, or at the end of this one.
     */
    for (size_t left = queue->length; left && (q = next_question(queue)); left--)
        end_question(q, state);
}

/* The answer: `{"users":[{"id","username"}|null…],"labs":[{…}|null…]}`, in the order of the question */

static struct text text_member(const struct json *object, const char *name)
{
    const struct json *member = json_member(object, name);

    return member && json_type(member) == JSON_TEXT ? json_text(member) : TEXT_NULL;
}

/*
 * The items of a list, one for each name: null, or an object that contains the name. NULL: the list is not
 * like that.
 */
static const struct json **items_of(struct arena *arena, const struct json *root, const char *list_name,
                                    const struct names *names, const char *key)
{
    const struct json *list = json_type(root) == JSON_OBJECT ? json_member(root, list_name) : NULL;
    const struct json **items = arena_alloc(arena, (names->count + 1) * sizeof(*items));
    size_t n = 0;

    if (!list || !items || json_type(list) != JSON_LIST)
        return NULL;
    for (const struct json *item = json_first(list); item; item = json_next(item)) {
        bool none = json_type(item) == JSON_NULL;
        if (n == names->count || (!none && json_type(item) != JSON_OBJECT) ||
            (!none && !text_equal(text_member(item, key), names->list[n])))
            return NULL;
        items[n++] = none ? NULL : item;
    }
    return n == names->count ? items : NULL;
}

static const struct json *item_of(const struct names *names, const struct json **items, struct text name)
{
    size_t place = names_find(names, name);

    return place < names->count ? items[place] : NULL;
}

/* A member's text in the request's memory; false when that is exhausted. */
static bool keep(struct question *q, const struct json *item, const char *name, struct text *into)
{
    struct text value = text_member(item, name);

    *into = arena_text(&q->rq->arena, value);
    return into->at || !value.at;
}

static bool tell(struct lookups *l, struct question *q, const struct json **users, const struct json **labs)
{
    for (size_t i = 0; i < q->user_count; i++) {
        const struct json *item = item_of(&l->users, users, q->user_ids[i]);
        q->users[i] = (struct known_user){TEXT_NULL, TEXT_NULL};
        if (item && !keep(q, item, "username", &q->users[i].username))
            return false;
        q->users[i].id = item ? q->user_ids[i] : TEXT_NULL;
    }
    for (size_t i = 0; i < q->lab_count; i++) {
        const struct json *item = item_of(&l->types, labs, q->lab_types[i]);
        q->labs[i] = (struct known_lab){TEXT_NULL, TEXT_NULL, TEXT_NULL, TEXT_NULL};
        if (item && (!keep(q, item, "name", &q->labs[i].name) ||
                     (q->details && (!keep(q, item, "description", &q->labs[i].description) ||
                                     !keep(q, item, "difficulty", &q->labs[i].difficulty)))))
            return false;
        q->labs[i].lab_type = item ? q->lab_types[i] : TEXT_NULL;
    }
    return true;
}

static bool answer_all(struct lookups *l)
{
    const struct json *root;
    struct json_error error;
    struct question *q;

    if (json_parse(&l->arena, l->call.answer, &root, &error) != JSON_OK)
        return false;
    const struct json **users = items_of(&l->arena, root, "users", &l->users, "id");
    const struct json **labs = items_of(&l->arena, root, "labs", &l->types, "lab_type");
    if (!users || !labs)
        return false;
    while ((q = next_question(&l->asked)))
        end_question(q, tell(l, q, users, labs) ? QUESTION_ANSWERED : QUESTION_UNKNOWN);
    return true;
}

/* Puts the questions of a refused call before all others, each to be asked in a call of its own. */
static void ask_one_by_one(struct lookups *l)
{
    struct waiting *last;

    if (l->asked.length == 1) {
        end_all(&l->asked, QUESTION_REFUSED);
        return;
    }
    while ((last = l->asked.last)) {
        struct question *q = container_of(last, struct question, waiting);
        waiting_leave(last);
        q->alone = true;
        if (!waiting_rejoin(&l->waiting, last, q->deadline))
            end_question(q, QUESTION_UNKNOWN);
    }
}

/* Whether User Progress refuses the question itself, because of its size or content. */
static bool is_refused(const struct client_call *call)
{
    return call->too_large || call->status == 400 || call->status == 413 || call->status == 422;
}

static void call_done(struct client_call *call)
{
    struct lookups *l = container_of(call, struct lookups, call);

    if (call->status == 404 || call->status == 405) {
        l->plain_until = l->worker->loop.now + PLAIN_PERIOD;
        end_all(&l->asked, QUESTION_PLAIN);
    } else if (is_refused(call)) {
        ask_one_by_one(l);
    } else if (call->status != 200 || !answer_all(l)) {
        log_line(LOG_WARNING, "User Progress gave no answer to a lookup", NULL);
        end_all(&l->asked, QUESTION_UNKNOWN);
    }
    l->busy = false;
    arena_reset(&l->arena);
}

/* Sending */

/*
 * Moves as many questions as fit into one call from the queue to `asked`; returns the latest of their
 * deadlines.
 */
static int64_t gather(struct lookups *l)
{
    size_t users = 0, types = 0, bytes = 0;
    int64_t latest = 0;
    bool full = false;

    names_clear(&l->users);
    names_clear(&l->types);
    l->details = false;
    while (!full && l->waiting.first) {
        struct question *q = container_of(l->waiting.first, struct question, waiting);
        users += q->user_count;
        types += q->lab_count;
        for (size_t i = 0; i < q->user_count; i++)
            bytes += name_size(q->user_ids[i]);
        for (size_t i = 0; i < q->lab_count; i++)
            bytes += name_size(q->lab_types[i]);
        if (l->asked.length &&
            (q->alone || users > LOOKUP_NAMES || types > LOOKUP_NAMES || bytes > LOOKUP_BYTES))
            break;
        full = q->alone;
        waiting_leave(&q->waiting);
        if (!add_names(l, q) || !waiting_join(&l->asked, &q->waiting, q->deadline)) {
            end_question(q, QUESTION_UNKNOWN);
            continue;
        }
        l->details = l->details || q->details;
        latest = q->deadline > latest ? q->deadline : latest;
    }
    return latest;
}

static void write_names(struct writer *w, const struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        write_text(w, i ? TEXT(",") : TEXT(""));
        write_json_text(w, names->list[i]);
    }
}

static bool write_question(struct lookups *l)
{
    struct writer w = writer_start(&l->arena);

    write_literal(&w, "{\"user_ids\":[");
    write_names(&w, &l->users);
    write_literal(&w, "],\"lab_types\":[");
    write_names(&w, &l->types);
    write_literal(&w, "],\"details\":");
    write_text(&w, l->details ? TEXT("true") : TEXT("false"));
    write_char(&w, '}');
    l->call.body = (struct text){w.at, w.len};
    return !w.failed;
}

static struct text id_of(const struct waiting *waiting)
{
    return container_of((struct waiting *)(uintptr_t)waiting, struct question, waiting)->rq->id;
}

/* Logs the ids, in as many lines as they need. */
static void log_sharers(const struct lookups *l, const char *id)
{
    char ids[SHARERS_MAX];
    int len = 0;

    for (const struct waiting *at = l->asked.first; at && log_takes(LOG_INFO); at = at->next) {
        len += snprintf(ids + len, sizeof(ids) - (size_t)len, "%s%.*s", len ? " " : "", (int)id_of(at).len,
                        id_of(at).at);
        if (at->next && (size_t)len + id_of(at->next).len + 2 < sizeof(ids))
            continue;
        log_line(LOG_INFO, "requests share a call", "request_id", id, "requests", ids, NULL);
        len = 0;
    }
}

/*
 * A call for one request carries its id and trace; a shared call has an id of its own, which the log relates
 * to the requests.
 */
static void set_headers(struct lookups *l)
{
    struct request *rq = container_of(l->asked.first, struct question, waiting)->rq;
    char *id = l->asked.length > 1 ? arena_alloc(&l->arena, UUID_TEXT) : NULL;

    client_header(&l->call, "Content-Type", "application/json");
    if (id) {
        uuid_print(id);
        client_header(&l->call, "X-Request-ID", id);
        log_sharers(l, id);
    } else {
        client_trace(&l->call, rq);
    }
    lookup_authorize(&l->call, rq);
}

static void send_call(struct lookups *l)
{
    int64_t deadline = gather(l);
    size_t details = l->types.count * LAB_DETAILS;

    if (!l->asked.length)
        return;
    l->call = (struct client_call){
        .arena = &l->arena, .method = "POST", .url = l->url, .deadline = deadline, .done = call_done};
    set_headers(l);
    metric_count(&l->worker->lookup_metrics->calls[LOOKUP_BATCH]);
    bool written = write_question(l);
    l->call.answer_limit = l->call.body.len + (1 + l->users.count + l->types.count) * NAME_ANSWER +
                           (!l->details             ? 0
                            : details < ALL_DETAILS ? details
                                                    : ALL_DETAILS);
    l->busy = written && client_start(l->worker->client, &l->call);
    if (l->busy)
        return;
    end_all(&l->asked, QUESTION_UNKNOWN);
    arena_reset(&l->arena);
}

void lookups_flush(struct worker *worker)
{
    struct lookups *l = worker->lookups;

    if (!l || l->busy || !l->waiting.length)
        return;
    if (worker->loop.now >= l->plain_until)
        send_call(l);
    else
        end_all(&l->waiting, QUESTION_PLAIN);
}

void lookup_ask(struct question *q)
{
    q->fiber = fiber_current();
    q->state = QUESTION_ASKED;
    if (waiting_join(&q->rq->worker->lookups->waiting, &q->waiting, q->deadline))
        fiber_wait();
    else
        q->state = QUESTION_UNKNOWN;
}

/* Opening and closing */

bool lookups_open(struct worker *worker)
{
    struct lookups *l = calloc(1, sizeof(*l));
    struct text base = url_base(worker->settings->directory.user_progress_url);

    if (!l)
        return false;
    worker->lookups = l;
    l->worker = worker;
    waiting_open(&l->waiting, &worker->loop, LOOKUP_QUESTIONS, question_late);
    waiting_open(&l->asked, &worker->loop, LOOKUP_QUESTIONS, question_late);
    worker->lookup_metrics = metrics_add_room(&worker->metrics, &lookup_metric_group);
    return worker->lookup_metrics && asprintf(&l->url, "%.*s/lookup", (int)base.len, base.at) >= 0;
}

void lookups_close(struct worker *worker)
{
    struct lookups *l = worker->lookups;

    if (!l)
        return;
    while (waiting_next(&l->waiting) || waiting_next(&l->asked))
        continue;
    arena_free(&l->arena);
    free(l->url);
    free(l);
    worker->lookups = NULL;
}
