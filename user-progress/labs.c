#include "user-progress/labs.h"

#include "common/base/uuid.h"
#include "common/http/request.h"
#include "common/serve/query.h"
#include "directory/paging.h"
#include "user-progress/labs.sql.h"

#define CREATE_TRIES 3 /* for the case that the conflicting row is deleted meanwhile */

struct lab_taken {
    int8_t name, id;
};

#define LAB_ROW ROW(struct lab, name, description, lab_type, difficulty, id, created_at, updated_at)

STATEMENT(insert_lab, APPEND, PARAMS(struct lab, id, name, description, lab_type, difficulty), LAB_ROW);
STATEMENT(look_lab_taken, READ, PARAMS(struct lab, id, name), ROW(struct lab_taken, name, id));
STATEMENT(get_lab, READ, .set = true, .large = true, PARAMS(struct lab_path, lab_id), LAB_ROW);
STATEMENT(count_labs, REPORT, ROW(struct total, total));
STATEMENT(list_labs, REPORT, PARAMS(struct page, skip, limit), LAB_ROW);
STATEMENT(list_labs_of_type, REPORT, PARAMS(struct lab_type_path, lab_type), LAB_ROW);
STATEMENT(update_lab, CHANGE, PARAMS(struct lab, id, name, description, lab_type, difficulty), LAB_ROW);
STATEMENT(delete_lab, CHANGE, PARAMS(struct lab_path, lab_id), ROW(struct lab_path, lab_id));

enum reply labs_create(struct request *rq)
{
    struct lab in = *(const struct lab *)rq->body, lab;
    char made[UUID_TEXT];
    struct lab_taken taken;

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
        if (query_row(rq, &look_lab_taken, &in, &taken) == QUERY_REPLIED)
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

    return query_reply(rq, &get_lab, rq->path, &lab, &lab_shape, "Lab not found");
}

enum reply labs_update(struct request *rq)
{
    struct lab in = *(const struct lab *)rq->body, lab;

    in.id = ((const struct lab_path *)rq->path)->lab_id;
    switch (query_row(rq, &update_lab, &in, &lab)) {
    case QUERY_ROW:
        return reply(rq, &lab_shape, &lab);
    case QUERY_NONE:
        return reply_error(rq, 404, "Lab not found");
    case QUERY_CONFLICT: /* only the name's constraint can be violated by an update */
        return reply_error(rq, 400, "Lab name already exists");
    case QUERY_REPLIED:
        break;
    }
    return REPLIED;
}

enum reply labs_delete(struct request *rq)
{
    struct lab_path deleted;

    switch (query_row(rq, &delete_lab, rq->path, &deleted)) {
    case QUERY_ROW:
        return reply_message(
            rq, arena_printf(&rq->arena, "Lab %.*s deleted", (int)deleted.lab_id.len, deleted.lab_id.at));
    case QUERY_NONE:
        return reply_error(rq, 404, "Lab not found");
    default:
        return REPLIED;
    }
}
