#include "user-progress/users.h"

#include "common/base/uuid.h"
#include "common/http/request.h"
#include "common/serve/query.h"
#include "directory/paging.h"
#include "user-progress/users.sql.h"

#define CREATE_TRIES 3 /* for the case that the conflicting row is deleted meanwhile */

/* The values that a user should have, and which of them other users have. */
struct user_taken {
    struct text id, username, email, own_id; /* own_id: of the user that is changed; null for a new one */
    int8_t id_taken, username_taken, email_taken;
};

STATEMENT(insert_user, APPEND, .set = true, PARAMS(struct user, id, username, full_name, email),
          ROW(struct user, username, full_name, email, id, created_at, last_active));
STATEMENT(look_user_taken, READ, PARAMS(struct user_taken, id, username, email, own_id),
          ROW(struct user_taken, email_taken, username_taken, id_taken));
STATEMENT(get_user, READ, .set = true, PARAMS(struct user_path, user_id),
          ROW(struct user, username, full_name, email, id, created_at, last_active));
STATEMENT(count_users, REPORT, ROW(struct total, total));
STATEMENT(list_users, REPORT, PARAMS(struct page, skip, limit),
          ROW(struct user, username, full_name, email, id, created_at, last_active));
STATEMENT(update_user, CHANGE, PARAMS(struct user, id, username, email, full_name_sent, full_name),
          ROW(struct user, username, full_name, email, id, created_at, last_active));
STATEMENT(delete_user, CHANGE, PARAMS(struct user_path, user_id), ROW(struct user_path, user_id));

/* Replies which value is taken; false if none is taken any more. */
static bool reply_taken(struct request *rq, struct user_taken taken)
{
    if (query_row(rq, &look_user_taken, &taken, &taken) == QUERY_REPLIED)
        return true;
    if (taken.email_taken)
        reply_error(rq, 400, "Email already registered");
    else if (taken.username_taken)
        reply_error(rq, 400, "Username already taken");
    else if (taken.id_taken)
        reply_error(rq, 400, "User id already exists");
    else
        return false;
    return true;
}

enum reply users_create(struct request *rq)
{
    struct user in = *(const struct user *)rq->body, user;
    char made[UUID_TEXT];

    if (!in.id.at) {
        uuid_print(made);
        in.id = text_of(made);
    }
    for (int i = 0; i < CREATE_TRIES; i++) {
        switch (query_row(rq, &insert_user, &in, &user)) {
        case QUERY_ROW:
            return reply(rq, &user_shape, &user);
        case QUERY_REPLIED:
            return REPLIED;
        default:
            if (reply_taken(rq, (struct user_taken){in.id, in.username, in.email, TEXT_NULL, 0, 0, 0}))
                return REPLIED;
        }
    }
    return reply_unavailable(rq);
}

enum reply users_list(struct request *rq)
{
    struct rows users;

    if (query_rows(rq, &list_users, rq->query, &users) == QUERY_REPLIED ||
        !paging_headers(rq, rq->query, users.count, &count_users))
        return REPLIED;
    return reply_list(rq, &user_shape, users);
}

bool users_require(struct request *rq, struct text id, struct user *user)
{
    enum query_result result = query_row(rq, &get_user, &(struct user_path){id}, user);

    if (result == QUERY_NONE)
        reply_error(rq, 404, "User not found");
    return result == QUERY_ROW;
}

enum reply users_get(struct request *rq)
{
    struct user user;

    return users_require(rq, ((const struct user_path *)rq->path)->user_id, &user)
               ? reply(rq, &user_shape, &user)
               : REPLIED;
}

enum reply users_update(struct request *rq)
{
    struct user in = *(const struct user *)rq->body, user;

    in.id = ((const struct user_path *)rq->path)->user_id;
    switch (query_row(rq, &update_user, &in, &user)) {
    case QUERY_ROW:
        return reply(rq, &user_shape, &user);
    case QUERY_NONE:
        return reply_error(rq, 404, "User not found");
    case QUERY_CONFLICT:
        if (!reply_taken(rq, (struct user_taken){TEXT_NULL, in.username, in.email, in.id, 0, 0, 0}))
            return reply_unavailable(rq);
        break;
    case QUERY_REPLIED:
        break;
    }
    return REPLIED;
}

enum reply users_delete(struct request *rq)
{
    struct user_path deleted;

    switch (query_row(rq, &delete_user, rq->path, &deleted)) {
    case QUERY_ROW:
        return reply_message(
            rq, arena_printf(&rq->arena, "User %.*s deleted", (int)deleted.user_id.len, deleted.user_id.at));
    case QUERY_NONE:
        return reply_error(rq, 404, "User not found");
    default:
        return REPLIED;
    }
}
