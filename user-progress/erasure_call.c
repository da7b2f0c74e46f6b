#include "user-progress/erasure_call.h"

#include "common/http/client.h"
#include "common/http/request.h"
#include "common/http/url.h"
#include "common/json/json.h"

#define ANSWER_LIMIT ((size_t)16 << 10) /* bytes */

static bool read_counts(const struct json *object, struct erasure_answer *answer)
{
    answer->counts_json = json_raw(object);
    for (const struct json *member = json_first(object); member; member = json_next(member)) {
        if (answer->count == ERASURE_COUNTS_MAX || json_type(member) != JSON_NUMBER ||
            !json_is_integer(member))
            return false;
        answer->counts[answer->count++] =
            (struct erasure_count){json_name(member), (int64_t)json_double(member)};
    }
    return true;
}

/* `{"deleted":0,"remaining":false,"counts":{"usage_events":40,"idempotency_keys":1}}` */
static bool read_answer(struct request *rq, struct text bytes, struct erasure_answer *answer)
{
    const struct json *root;
    struct json_error error;

    *answer = (struct erasure_answer){.count = 0};
    if (json_parse(&rq->arena, bytes, &root, &error) != JSON_OK || json_type(root) != JSON_OBJECT)
        return false;
    const struct json *deleted = json_member(root, "deleted"), *remaining = json_member(root, "remaining"),
                      *counts = json_member(root, "counts");
    if (!deleted || json_type(deleted) != JSON_NUMBER || !remaining || json_type(remaining) != JSON_BOOL ||
        !counts || json_type(counts) != JSON_OBJECT)
        return false;
    answer->deleted = (int64_t)json_double(deleted);
    answer->remaining = json_bool(remaining);
    return read_counts(counts, answer);
}

enum other_state erasure_call(struct request *rq, enum other other, struct text user_id, const char *query,
                              struct erasure_answer *answer, const char **why)
{
    bool performance = other == OTHER_PERFORMANCE;
    const char *after = arena_printf(&rq->arena, "/%s%s", performance ? "records" : "events", query);
    struct client_call call = {.method = "DELETE", .answer_limit = ANSWER_LIMIT, .deadline = rq->deadline};

    if (!url_is_segment(user_id)) {
        *why = "has no path for this id";
        return OTHER_BLOCKED;
    }
    if (after)
        call.url =
            other_url(rq, other, performance ? "/performance/user/" : "/analytics/user/", user_id, after);
    enum other_state state = other_call(rq, &call, why);
    if (state != OTHER_ANSWERED || read_answer(rq, call.answer, answer))
        return state;
    *why = "gives an answer that cannot be read";
    return OTHER_AWAY;
}
