#include "user-progress/labs.h"

#include "common/base/uuid.h"
#include "common/http/request.h"
#include "common/serve/query.h"
#include "directory/paging.h"

#define CREATE_TRIES 3 /* when the row in the way is gone again */

#define LAB_COLUMNS "name, description, lab_type, difficulty, id, created_at, updated_at"

static const struct column key_params[] = {{COLUMN_TEXT, 0}};

static const struct column lab_columns[] = {
    {COLUMN_TEXT, offsetof(struct lab, name)},       {COLUMN_TEXT, offsetof(struct lab, description)},
    {COLUMN_TEXT, offsetof(struct lab, lab_type)},   {COLUMN_TEXT, offsetof(struct lab, difficulty)},
    {COLUMN_TEXT, offsetof(struct lab, id)},         {COLUMN_TIME, offsetof(struct lab, created_at)},
    {COLUMN_TIME, offsetof(struct lab, updated_at)},
};

#define LAB_IN(member)                                                                                       \
    {                                                                                                        \
        COLUMN_TEXT, offsetof(struct lab_in, member)                                                         \
    }

static const struct column lab_params[] = {LAB_IN(id), LAB_IN(name), LAB_IN(description), LAB_IN(lab_type),
                                           LAB_IN(difficulty)};

static const struct statement insert_lab = {
    .name = "insert_lab",
    .sql = "INSERT INTO labs (id, name, description, lab_type, difficulty, created_at, updated_at)"
           " SELECT $1, $2, $3, $4, $5, at, at FROM (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS at "
           "OFFSET 0) AS now"
           " ON CONFLICT DO NOTHING RETURNING " LAB_COLUMNS,
    .kind = STATEMENT_APPEND,
    .params = lab_params,
    .param_count = 5,
    .row = lab_columns,
    .column_count = 7,
    .row_size = sizeof(struct lab),
};

struct taken {
    int8_t name, id;
};

static const struct statement look_taken = {
    .name = "look_lab_taken",
    .sql = "SELECT EXISTS (SELECT FROM labs WHERE name = $2), EXISTS (SELECT FROM labs WHERE id = $1)",
    .kind = STATEMENT_READ,
    .params = lab_params,
    .param_count = 2,
    .row = (const struct column[]){{COLUMN_BOOL, offsetof(struct taken, name)},
                                   {COLUMN_BOOL, offsetof(struct taken, id)}},
    .column_count = 2,
    .row_size = sizeof(struct taken),
};

static const struct statement get_lab = {
    .name = "get_lab",
    .sql = "SELECT a.n, l.name, l.description, l.lab_type, l.difficulty, l.id, l.created_at, l.updated_at"
           " FROM unnest($1::text[]) WITH ORDINALITY AS a (id, n) JOIN labs l ON l.id = a.id",
    .kind = STATEMENT_READ,
    .set = true,
    .params = key_params,
    .param_count = 1,
    .row = lab_columns,
    .column_count = 7,
    .row_size = sizeof(struct lab),
};

static const struct statement count_labs = {
    .name = "count_labs",
    .sql = "SELECT count(*) FROM labs",
    .kind = STATEMENT_REPORT,
    .row = (const struct column[]){{COLUMN_INT, 0}},
    .column_count = 1,
    .row_size = sizeof(int64_t),
};

static const struct statement list_labs = {
    .name = "list_labs",
    .sql = "SELECT " LAB_COLUMNS " FROM labs ORDER BY created_at, id OFFSET $1 LIMIT $2",
    .kind = STATEMENT_REPORT,
    .params = (const struct column[]){{COLUMN_INT, offsetof(struct page, skip)},
                                      {COLUMN_INT, offsetof(struct page, limit)}},
    .param_count = 2,
    .row = lab_columns,
    .column_count = 7,
    .row_size = sizeof(struct lab),
};

static const struct statement list_labs_of_type = {
    .name = "list_labs_of_type",
    .sql = "SELECT " LAB_COLUMNS " FROM labs WHERE lab_type = $1 ORDER BY created_at, id",
    .kind = STATEMENT_REPORT,
    .params = key_params,
    .param_count = 1,
    .row = lab_columns,
    .column_count = 7,
    .row_size = sizeof(struct lab),
};

static const struct statement update_lab = {
    .name = "update_lab",
    .sql = "UPDATE labs SET name = $2, description = $3, lab_type = $4, difficulty = $5,"
           " updated_at = clock_timestamp() AT TIME ZONE 'UTC' WHERE id = $1 RETURNING " LAB_COLUMNS,
    .kind = STATEMENT_CHANGE,
    .params = lab_params,
    .param_count = 5,
    .row = lab_columns,
    .column_count = 7,
    .row_size = sizeof(struct lab),
};

static const struct statement delete_lab = {
    .name = "delete_lab",
    .sql = "DELETE FROM labs WHERE id = $1 RETURNING id",
    .kind = STATEMENT_CHANGE,
    .params = key_params,
    .param_count = 1,
    .row = key_params,
    .column_count = 1,
    .row_size = sizeof(struct key),
};

enum reply labs_create(struct request *rq)
{
    struct lab_in in = *(const struct lab_in *)rq->body;
    char made[UUID_TEXT];
    struct lab lab;
    struct taken taken;

    if (!in.id.at) {
        uuid_print(made);
        in.id = text_of(made);
    }
    for (int i = 0; i < CREATE_TRIES; i++) {
        switch (query_row(rq, &insert_lab, &in, &lab)) {
        case QUERY_ROW:
            return reply(rq, &lab_shape, &lab);
        case QUERY_REPLIED:
            return REPLIED;
        default:
            break;
        }
        if (query_row(rq, &look_taken, &in, &taken) == QUERY_REPLIED)
            return REPLIED;
        if (taken.name)
            return reply_error(rq, 400, "Lab name already exists");
        if (taken.id)
            return reply_error(rq, 400, "Lab id already exists");
    }
    return reply_unavailable(rq);
}

enum reply labs_list(struct request *rq)
{
    struct rows labs;

    if (query_rows(rq, &list_labs, rq->query, &labs) == QUERY_REPLIED ||
        !paging_headers(rq, rq->query, labs.count, &count_labs))
        return REPLIED;
    return reply_list(rq, &lab_shape, labs);
}

enum reply labs_list_of_type(struct request *rq)
{
    struct rows labs;

    if (query_rows(rq, &list_labs_of_type, rq->path, &labs) == QUERY_REPLIED)
        return REPLIED;
    return reply_list(rq, &lab_shape, labs);
}

enum reply labs_get(struct request *rq)
{
    struct lab lab;

    switch (query_row(rq, &get_lab, rq->path, &lab)) {
    case QUERY_ROW:
        return reply(rq, &lab_shape, &lab);
    case QUERY_NONE:
        return reply_error(rq, 404, "Lab not found");
    default:
        return REPLIED;
    }
}

enum reply labs_update(struct request *rq)
{
    struct lab_in in = *(const struct lab_in *)rq->body;
    struct lab lab;

    in.id = ((const struct key *)rq->path)->value;
    switch (query_row(rq, &update_lab, &in, &lab)) {
    case QUERY_ROW:
        return reply(rq, &lab_shape, &lab);
    case QUERY_NONE:
        return reply_error(rq, 404, "Lab not found");
    case QUERY_CONFLICT:
        return reply_error(rq, 400,
                           "Lab name already exists"); /* the only constraint that an update can meet */
    case QUERY_REPLIED:
        break;
    }
    return REPLIED;
}

enum reply labs_delete(struct request *rq)
{
    struct key deleted;

    switch (query_row(rq, &delete_lab, rq->path, &deleted)) {
    case QUERY_ROW:
        return reply_message(rq, "Lab %.*s deleted", (int)deleted.value.len, deleted.value.at);
    case QUERY_NONE:
        return reply_error(rq, 404, "Lab not found");
    default:
        return REPLIED;
    }
}
