#include "user-progress/users.h"

#include "common/base/uuid.h"
#include "common/http/request.h"
#include "common/serve/query.h"
#include "directory/paging.h"

#define CREATE_TRIES 3 /* when the row in the way is gone again */

static const struct column key_params[] = {{COLUMN_TEXT, 0}};

static const struct column user_columns[] = {
    {COLUMN_TEXT, offsetof(struct user, username)},   {COLUMN_TEXT, offsetof(struct user, full_name)},
    {COLUMN_TEXT, offsetof(struct user, email)},      {COLUMN_TEXT, offsetof(struct user, id)},
    {COLUMN_TIME, offsetof(struct user, created_at)}, {COLUMN_TIME, offsetof(struct user, last_active)},
};

/* The row that was made is told to one call only, also where two calls of a batch ask for the same. */
static const struct statement insert_user = {
    .name = "insert_user",
    .sql =
        "WITH asked AS ("
        " SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])"
        " WITH ORDINALITY AS a (id, username, full_name, email, n)"
        "), made AS ("
        " INSERT INTO users (id, username, full_name, email, created_at, last_active)"
        " SELECT id, username, full_name, email, at, at FROM"
        " (SELECT *, clock_timestamp() AT TIME ZONE 'UTC' AS at FROM asked ORDER BY email, n) AS dated"
        " ON CONFLICT DO NOTHING RETURNING id, username, full_name, email, created_at, last_active"
        ") SELECT DISTINCT ON (m.id) a.n, m.username, m.full_name, m.email, m.id, m.created_at, m.last_active"
        " FROM made m JOIN asked a ON a.id = m.id AND a.username = m.username AND a.email = m.email"
        " AND a.full_name IS NOT DISTINCT FROM m.full_name ORDER BY m.id, a.n",
    .kind = STATEMENT_APPEND,
    .set = true,
    .params = (const struct column[]){{COLUMN_TEXT, offsetof(struct user_in, id)},
                                      {COLUMN_TEXT, offsetof(struct user_in, username)},
                                      {COLUMN_TEXT, offsetof(struct user_in, full_name)},
                                      {COLUMN_TEXT, offsetof(struct user_in, email)}},
    .param_count = 4,
    .row = user_columns,
    .column_count = 6,
    .row_size = sizeof(struct user),
};

struct user_change {
    struct user_in in;
    struct text own_id; /* of the user that is changed; null for a new one */
    int8_t sets_full_name;
};

struct taken {
    int8_t email, username, id;
};

/* Which unique columns a user has that others hold; $4 is the user's own id, to whom they are no others. */
static const struct statement look_taken = {
    .name = "look_user_taken",
    .sql = "SELECT EXISTS (SELECT FROM users WHERE email = $3 AND id IS DISTINCT FROM $4),"
           " EXISTS (SELECT FROM users WHERE username = $2 AND id IS DISTINCT FROM $4),"
           " EXISTS (SELECT FROM users WHERE id = $1 AND id IS DISTINCT FROM $4)",
    .kind = STATEMENT_READ,
    .params = (const struct column[]){{COLUMN_TEXT, offsetof(struct user_change, in.id)},
                                      {COLUMN_TEXT, offsetof(struct user_change, in.username)},
                                      {COLUMN_TEXT, offsetof(struct user_change, in.email)},
                                      {COLUMN_TEXT, offsetof(struct user_change, own_id)}},
    .param_count = 4,
    .row = (const struct column[]){{COLUMN_BOOL, offsetof(struct taken, email)},
                                   {COLUMN_BOOL, offsetof(struct taken, username)},
                                   {COLUMN_BOOL, offsetof(struct taken, id)}},
    .column_count = 3,
    .row_size = sizeof(struct taken),
};

static const struct statement get_user = {
    .name = "get_user",
    .sql = "SELECT a.n, u.username, u.full_name, u.email, u.id, u.created_at, u.last_active"
           " FROM unnest($1::text[]) WITH ORDINALITY AS a (id, n) JOIN users u ON u.id = a.id",
    .kind = STATEMENT_READ,
    .set = true,
    .params = key_params,
    .param_count = 1,
    .row = user_columns,
    .column_count = 6,
    .row_size = sizeof(struct user),
};

static const struct statement count_users = {
    .name = "count_users",
    .sql = "SELECT count(*) FROM users",
    .kind = STATEMENT_REPORT,
    .row = (const struct column[]){{COLUMN_INT, 0}},
    .column_count = 1,
    .row_size = sizeof(int64_t),
};

static const struct statement list_users = {
    .name = "list_users",
    .sql = "SELECT username, full_name, email, id, created_at, last_active FROM users"
           " ORDER BY created_at, id OFFSET $1 LIMIT $2",
    .kind = STATEMENT_REPORT,
    .params = (const struct column[]){{COLUMN_INT, offsetof(struct page, skip)},
                                      {COLUMN_INT, offsetof(struct page, limit)}},
    .param_count = 2,
    .row = user_columns,
    .column_count = 6,
    .row_size = sizeof(struct user),
};

static const struct statement update_user = {
    .name = "update_user",
    .sql = "UPDATE users SET username = $2, email = $3, full_name = CASE WHEN $4 THEN $5 ELSE full_name END,"
           " last_active = clock_timestamp() AT TIME ZONE 'UTC' WHERE id = $1"
           " RETURNING username, full_name, email, id, created_at, last_active",
    .kind = STATEMENT_CHANGE,
    .params = (const struct column[]){{COLUMN_TEXT, offsetof(struct user_change, own_id)},
                                      {COLUMN_TEXT, offsetof(struct user_change, in.username)},
                                      {COLUMN_TEXT, offsetof(struct user_change, in.email)},
                                      {COLUMN_BOOL, offsetof(struct user_change, sets_full_name)},
                                      {COLUMN_TEXT, offsetof(struct user_change, in.full_name)}},
    .param_count = 5,
    .row = user_columns,
    .column_count = 6,
    .row_size = sizeof(struct user),
};

static const struct statement delete_user = {
    .name = "delete_user",
    .sql = "DELETE FROM users WHERE id = $1 RETURNING id",
    .kind = STATEMENT_CHANGE,
    .params = key_params,
    .param_count = 1,
    .row = key_params,
    .column_count = 1,
    .row_size = sizeof(struct key),
};

/* Replies what is taken; false when nothing is any more. */
static bool reply_taken(struct request *rq, const struct user_change *change)
{
    struct taken taken;

    if (query_row(rq, &look_taken, change, &taken) == QUERY_REPLIED)
        return true;
    if (taken.email)
        reply_error(rq, 400, "Email already registered");
    else if (taken.username)
        reply_error(rq, 400, "Username already taken");
    else if (taken.id)
        reply_error(rq, 400, "User id already exists");
    else
        return false;
    return true;
}

enum reply users_create(struct request *rq)
{
    struct user_change change = {.in = *(const struct user_in *)rq->body};
    char made[UUID_TEXT];
    struct user user;

    if (!change.in.id.at) {
        uuid_print(made);
        change.in.id = text_of(made);
    }
    for (int i = 0; i < CREATE_TRIES; i++) {
        switch (query_row(rq, &insert_user, &change.in, &user)) {
        case QUERY_ROW:
            return reply(rq, &user_shape, &user);
        case QUERY_REPLIED:
            return REPLIED;
        default:
            if (reply_taken(rq, &change))
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
    enum query_result result = query_row(rq, &get_user, &id, user);

    if (result == QUERY_NONE)
        reply_error(rq, 404, "User not found");
    return result == QUERY_ROW;
}

enum reply users_get(struct request *rq)
{
    const struct key *key = rq->path;
    struct user user;

    return users_require(rq, key->value, &user) ? reply(rq, &user_shape, &user) : REPLIED;
}

enum reply users_update(struct request *rq)
{
    const struct key *key = rq->path;
    struct user_change change = {.in = *(const struct user_in *)rq->body, .own_id = key->value};
    struct user user;

    change.sets_full_name = change.in.full_name_sent;
    switch (query_row(rq, &update_user, &change, &user)) {
    case QUERY_ROW:
        return reply(rq, &user_shape, &user);
    case QUERY_NONE:
        return reply_error(rq, 404, "User not found");
    case QUERY_CONFLICT:
        return reply_taken(rq, &change) ? REPLIED : reply_unavailable(rq);
    case QUERY_REPLIED:
        break;
    }
    return REPLIED;
}

enum reply users_delete(struct request *rq)
{
    const struct key *key = rq->path;
    struct key deleted;

    switch (query_row(rq, &delete_user, key, &deleted)) {
    case QUERY_ROW:
        return reply_message(rq, "User %.*s deleted", (int)deleted.value.len, deleted.value.at);
    case QUERY_NONE:
        return reply_error(rq, 404, "User not found");
    default:
        return REPLIED;
    }
}
