#include "directory/lookup_plain.h"

#include "common/http/client.h"
#include "common/http/request.h"
#include "common/http/url.h"
#include "common/json/json.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "directory/lookup_metrics.h"

#define ANSWER_LIMIT                                                                                         \
    ((size_t)16 << 20) /* bytes: the answer has all labs of a type, with their descriptions */

enum presence { PRESENT, ABSENT, UNKNOWN };

/* Gets a document; only a well-formed 404 means that it does not exist. */
static enum presence get(struct request *rq, int64_t deadline, const char *path, struct text segment,
                         const struct json **root)
{
    struct client_call call = {
        .arena = &rq->arena,
        .method = "GET",
        .url = url_below(&rq->arena, rq->worker->settings->directory.user_progress_url, path, segment),
        .answer_limit = ANSWER_LIMIT,
        .deadline = deadline};
    struct json_error error;

    client_trace(&call, rq);
    lookup_authorize(&call, rq);
    metric_count(&rq->worker->lookup_metrics->calls[LOOKUP_PLAIN]);
    if (!call.url || !client_run(rq->worker->client, &call) ||
        json_parse(&rq->arena, call.answer, root, &error) != JSON_OK)
        return UNKNOWN;
    if (call.status == 200)
        return PRESENT;
    const struct json *detail = json_type(*root) == JSON_OBJECT ? json_member(*root, "detail") : NULL;
    return call.status == 404 && detail && json_type(detail) == JSON_TEXT ? ABSENT : UNKNOWN;
}

static struct text text_member(const struct json *object, const char *name)
{
    const struct json *member = json_member(object, name);

    return member && json_type(member) == JSON_TEXT ? json_text(member) : TEXT_NULL;
}

static bool plain_user(struct request *rq, int64_t deadline, struct text id, struct known_user *user)
{
    const struct json *root;
    enum presence presence = get(rq, deadline, "/users/", id, &root);

    *user = (struct known_user){TEXT_NULL, TEXT_NULL};
    if (presence != PRESENT)
        return presence == ABSENT;
    if (json_type(root) != JSON_OBJECT)
        return false;
    *user = (struct known_user){text_member(root, "id"), text_member(root, "username")};
    return text_equal(user->id, id);
}

bool lookup_reaches(struct request *rq)
{
    struct client_call call = {
        .arena = &rq->arena,
        .method = "GET",
        .url = url_below(&rq->arena, rq->worker->settings->directory.user_progress_url, "/", TEXT("")),
        .answer_limit = ANSWER_LIMIT,
        .deadline = lookup_deadline(rq)};

    return call.url && client_run(rq->worker->client, &call) && call.status == 200;
}

/* Compares byte by byte: negative, zero or positive if `a` is less than, equal to or greater than `b`. */
static int compare(struct text a, struct text b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.at, b.at, len) : 0;

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static bool is_older(const struct json *a, const struct json *b)
{
    int order = compare(text_member(a, "created_at"), text_member(b, "created_at"));

    return order < 0 || (order == 0 && compare(text_member(a, "id"), text_member(b, "id")) < 0);
}

static bool plain_lab(struct request *rq, int64_t deadline, struct text type, struct known_lab *lab)
{
    const struct json *root, *oldest = NULL;
    enum presence presence = get(rq, deadline, "/labs/type/", type, &root);

    *lab = (struct known_lab){TEXT_NULL, TEXT_NULL, TEXT_NULL, TEXT_NULL};
    if (presence != PRESENT || json_type(root) != JSON_LIST)
        return false;
    for (const struct json *item = json_first(root); item; item = json_next(item)) {
        if (json_type(item) != JSON_OBJECT || !text_equal(text_member(item, "lab_type"), type))
            return false;
        if (!oldest || is_older(item, oldest))
            oldest = item;
    }
    if (oldest)
        *lab = (struct known_lab){type, text_member(oldest, "name"), text_member(oldest, "description"),
                                  text_member(oldest, "difficulty")};
    return true;
}

bool lookup_plain(struct question *q)
{
    for (size_t i = 0; i < q->user_count; i++)
        if (user_can_exist(q->user_ids[i]) && q->user_ids[i].len &&
            !plain_user(q->rq, q->deadline, q->user_ids[i], &q->users[i]))
            return false;
    for (size_t i = 0; i < q->lab_count; i++)
        if (lab_can_exist(q->lab_types[i]) && q->lab_types[i].len &&
            !plain_lab(q->rq, q->deadline, q->lab_types[i], &q->labs[i]))
            return false;
    return true;
}
