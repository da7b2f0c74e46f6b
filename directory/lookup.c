#include "directory/lookup.h"

#include "common/base/loop.h"
#include "common/http/request.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "directory/lookup_call.h"
#include "directory/lookup_metrics.h"
#include "directory/lookup_plain.h"

void lookup_reply_unavailable(struct request *rq)
{
    metric_count(&rq->worker->lookup_metrics->failures);
    reply_unavailable_because(rq, "User Progress Service unavailable");
}

/* Takes as many names of a question as one call can ask for: `most` of each kind, or a single name. */
static void cut_piece(struct question *piece, size_t users_left, size_t labs_left, size_t most)
{
    size_t bytes = 0;

    piece->user_count = piece->lab_count = 0;
    while (piece->user_count < users_left && piece->user_count < most) {
        bytes += name_size(piece->user_ids[piece->user_count]);
        if (bytes > LOOKUP_BYTES && piece->user_count)
            return;
        piece->user_count++;
    }
    if (most == 1 && piece->user_count)
        return;
    while (piece->lab_count < labs_left && piece->lab_count < most) {
        bytes += name_size(piece->lab_types[piece->lab_count]);
        if (bytes > LOOKUP_BYTES && piece->user_count + piece->lab_count)
            return;
        piece->lab_count++;
    }
}

/* Whether any of the names can exist; the answer for the others is that they do not. */
static bool is_worth_asking(struct question *piece)
{
    bool worth = false;

    for (size_t i = 0; i < piece->user_count; i++) {
        piece->users[i] = (struct known_user){TEXT_NULL, TEXT_NULL};
        worth = worth || user_can_exist(piece->user_ids[i]);
    }
    for (size_t i = 0; i < piece->lab_count; i++) {
        piece->labs[i] = (struct known_lab){TEXT_NULL, TEXT_NULL, TEXT_NULL, TEXT_NULL};
        worth = worth || lab_can_exist(piece->lab_types[i]);
    }
    return worth;
}

/* Looks up a piece; false: there was no answer. `names`: the number of names in all pieces. */
static bool ask(struct question *piece, size_t names)
{
    if (!is_worth_asking(piece))
        return true;
    lookup_ask(piece);
    bool plain = piece->state == QUESTION_PLAIN &&
                 names <= (size_t)piece->rq->worker->settings->directory.plain_lookups;
    if (plain && lookup_plain(piece))
        piece->state = QUESTION_ANSWERED;
    return piece->state == QUESTION_ANSWERED;
}

bool lookup(struct request *rq, const struct text *user_ids, size_t user_count, struct known_user *users,
            const struct text *lab_types, size_t lab_count, struct known_lab *labs, bool details)
{
    struct question piece = {.rq = rq,
                             .deadline = lookup_deadline(rq),
                             .user_ids = user_ids,
                             .users = users,
                             .lab_types = lab_types,
                             .labs = labs,
                             .details = details};
    int64_t since = rq->loop->now;
    size_t most = LOOKUP_NAMES;
    bool known = true;
    size_t names = user_count + lab_count;

    metric_count(&rq->worker->lookup_metrics->lookups);
    while (known && (user_count || lab_count)) {
        cut_piece(&piece, user_count, lab_count, most);
        known = ask(&piece, names);
        if (piece.state == QUESTION_REFUSED && most > 1 && piece.user_count + piece.lab_count > 1) {
            most = 1;
            known = true;
            continue;
        }
        piece.user_ids += piece.user_count;
        piece.users += piece.user_count;
        piece.lab_types += piece.lab_count;
        piece.labs += piece.lab_count;
        user_count -= piece.user_count;
        lab_count -= piece.lab_count;
    }
    rq->timing.lookup += rq->loop->now - since;
    if (!known)
        lookup_reply_unavailable(rq);
    return known;
}

bool lookup_all(struct request *rq, struct texts users, bool *has_user, struct texts labs, bool *has_lab)
{
    struct known_user *known_users = arena_zalloc(&rq->arena, (users.count + 1) * sizeof(*known_users));
    struct known_lab *known_labs = arena_zalloc(&rq->arena, (labs.count + 1) * sizeof(*known_labs));

    if (!known_users || !known_labs) {
        reply_unavailable(rq);
        return false;
    }
    if (!lookup(rq, users.items, users.count, known_users, labs.items, labs.count, known_labs, false))
        return false;
    for (size_t i = 0; i < users.count; i++)
        has_user[i] = known_users[i].id.at;
    for (size_t i = 0; i < labs.count; i++)
        has_lab[i] = known_labs[i].lab_type.at;
    return true;
}

struct known_lab *lookup_labs_of_rows(struct request *rq, struct rows rows, size_t row_size)
{
    struct text *types = arena_alloc(&rq->arena, (rows.count + 1) * sizeof(*types));
    struct known_lab *known = arena_alloc(&rq->arena, (rows.count + 1) * sizeof(*known));

    if (!types || !known) {
        reply_unavailable(rq);
        return NULL;
    }
    for (size_t i = 0; i < rows.count; i++)
        types[i] = *(const struct text *)((const char *)rows.items + i * row_size);
    return lookup(rq, NULL, 0, NULL, types, rows.count, known, true) ? known : NULL;
}

bool lookup_require(struct request *rq, struct text user_id, struct text lab_type)
{
    struct known_user user;
    struct known_lab lab;

    if (!lookup(rq, &user_id, 1, &user, &lab_type, 1, &lab, false))
        return false;
    if (user.id.at && lab.lab_type.at)
        return true;
    reply_error(rq, 404, user.id.at ? "Lab type not found" : "User not found");
    return false;
}

bool lookup_require_user(struct request *rq, struct text user_id, struct known_user *user)
{
    if (!lookup(rq, &user_id, 1, user, NULL, 0, NULL, false))
        return false;
    if (!user->id.at)
        reply_error(rq, 404, "User not found");
    return user->id.at != NULL;
}

bool lookup_require_lab(struct request *rq, struct text lab_type, struct known_lab *lab)
{
    if (!lookup(rq, NULL, 0, NULL, &lab_type, 1, lab, false))
        return false;
    if (!lab->lab_type.at)
        reply_error(rq, 404, "Lab type not found");
    return lab->lab_type.at != NULL;
}
