#include "user-progress/attempts.h"

#include "common/auth/auth.h"
#include "common/http/request.h"
#include "common/items/export.h"
#include "common/items/ingest.h"
#include "common/items/list.h"
#include "common/serve/pages.h"
#include "common/serve/query.h"
#include "common/shape/declare.h"
#include "directory/directory.h"
#include "user-progress/attempts.sql.h"
#include "user-progress/lookups.h"
#include "user-progress/users.h"

/* An attempt. The statement that writes one sets the members `…_found`, which tell what does not exist. */
struct attempt {
    struct text user_id, lab_type;
    int8_t completion_status;
    int64_t time_spent;
    struct texts errors_encountered;
    int64_t id;
    struct moment timestamp;
    struct text lab_name, lab_description, lab_difficulty;
    int8_t attempt_found, user_found, lab_found;
    struct text client_id, told_time;
    struct moment received_at;
    int8_t mark; /* marks the last row that was read for a page (common/items/list.h) */
};

#define OF struct attempt
static const struct field attempt_in_fields[] = {
    FIELD(TEXT, user_id, .flags = FIELD_REQUIRED, .help = "The user who tried.",
          .example = "\"7be06c80-fbc6-4280-aed1-16f8749df77b\""),
    FIELD(TEXT, lab_type, .flags = FIELD_REQUIRED, .limit = NAME_LIMIT,
          .help = "The type of an existing lab.", .example = "\"filesystem\""),
    FIELD(BOOL, completion_status, .flags = FIELD_REQUIRED, .help = "Whether the lab was completed.",
          .example = "true"),
    FIELD(INT, time_spent, .flags = FIELD_REQUIRED, .help = "Seconds.", .example = "300"),
    FIELD(TEXTS, errors_encountered, .flags = FIELD_NULLABLE, .fallback = "[]",
          .help = "In the order in which they occurred.",
          .example = "[\"permission_denied\",\"file_not_found\"]"),
    INGEST_FIELDS("\"2025-04-19T08:32:45.855Z\""),
};

const struct shape attempt_in_shape =
    SHAPE_BUT(2, "LabAttemptCreate", "An attempt at a lab.", attempt_in_fields);
const struct shape attempt_item_shape =
    SHAPE("LabAttemptItem", "An attempt at a lab and its time; one of many.", attempt_in_fields);

static const struct field attempt_fields[] = {
    FIELD(TEXT, user_id, .flags = FIELD_NULLABLE, .example = "\"7be06c80-fbc6-4280-aed1-16f8749df77b\""),
    FIELD(TEXT, lab_type, .flags = FIELD_NULLABLE, .example = "\"filesystem\""),
    FIELD(BOOL, completion_status, .flags = FIELD_NULLABLE, .example = "true"),
    FIELD(INT, time_spent, .flags = FIELD_NULLABLE, .help = "Seconds.", .example = "300"),
    FIELD(TEXTS, errors_encountered, .flags = FIELD_NULLABLE,
          .example = "[\"permission_denied\",\"file_not_found\"]"),
    FIELD(INT, id, .example = "2"),
    FIELD(TIME_NAIVE, timestamp, .flags = FIELD_NULLABLE, .help = "UTC.",
          .example = "\"2025-04-19T08:32:45.855898\""),
    FIELD(TEXT, lab_name, .flags = FIELD_NULLABLE,
          .help = "Name of the oldest lab of the type; the type itself if there is none any more.",
          .example = "\"Filesystem Lab\""),
    FIELD(TEXT, lab_description, .flags = FIELD_NULLABLE, .example = "\"Learn about filesystem operations\""),
    FIELD(TEXT, lab_difficulty, .flags = FIELD_NULLABLE, .example = "\"beginner\""),
    LISTED_FIELDS(TIME_NAIVE, "\"2025-04-19T08:41:07.220114\""),
};

const struct shape attempt_shape = SHAPE_BUT(2, "LabAttempt", "An attempt with its lab.", attempt_fields);
const struct shape listed_attempt_shape =
    SHAPE("ListedLabAttempt", "An attempt with its lab, and how it was sent.", attempt_fields);
#undef OF

struct attempt_path {
    int64_t attempt_id;
};

#define OF struct attempt_path
static const struct field attempt_path_fields[] = {FIELD(INT, attempt_id, ROW_ID, .flags = FIELD_REQUIRED)};
const struct shape attempt_path_shape = SHAPE("AttemptId", NULL, attempt_path_fields);
#undef OF

/* The filter that only this list and this export have. */
#define COMPLETION_STATUS                                                                                    \
    FIELD_NAMED(BOOL, "completion_status", passed,                                                           \
                .help = "Only attempts that completed the lab, or that did not.")

#define OF struct list_query
static const struct field attempts_query_fields[] = {
    LIST_FIELDS,
    COMPLETION_STATUS,
};
const struct shape attempts_query_shape = SHAPE("LabAttemptPageQuery", NULL, attempts_query_fields);
#undef OF

#define OF struct export_query
static const struct field attempts_export_fields[] = {
    EXPORT_FIELDS,
    COMPLETION_STATUS,
};
const struct shape attempts_export_shape = SHAPE("LabAttemptExportQuery", NULL, attempts_export_fields);
#undef OF

#define OF struct list_page
static const struct field attempts_page_fields[] = {LIST_PAGE_FIELDS(listed_attempt_shape)};
const struct shape attempts_page_shape = SHAPE("LabAttemptPage", "Lab attempts.", attempts_page_fields);
#undef OF

struct attempts_after {
    struct text user_id;
    int64_t id, limit;
};

STATEMENT(insert_attempt, APPEND, .set = true,
          PARAMS(struct attempt, user_id, lab_type, completion_status, time_spent, errors_encountered),
          ROW(struct attempt, attempt_found, user_found, lab_found, id, timestamp, lab_name, lab_description,
              lab_difficulty));
STATEMENT(export_attempts, EXPORT, .planned_anew = true,
          PARAMS(struct export_params, order, user_id, lab_type, client_id, from, to, passed, after_id),
          ROW(struct attempt, user_id, lab_type, completion_status, time_spent, errors_encountered, id,
              timestamp, lab_name, lab_description, lab_difficulty, client_id, received_at));
STATEMENT(list_all_attempts, REPORT, .planned_anew = true,
          PARAMS(struct list_params, order, lead, rest, low_at, low_id, high_at, high_id, look_at, user_id,
                 client_id, lab_type, from, to, passed, limit),
          ROW(struct attempt, mark, user_id, lab_type, completion_status, time_spent, errors_encountered, id,
              timestamp, lab_name, lab_description, lab_difficulty, client_id, received_at));
STATEMENT(update_attempt, CHANGE,
          PARAMS(struct attempt, user_id, lab_type, completion_status, time_spent, errors_encountered, id),
          ROW(struct attempt, attempt_found, user_found, lab_found, id, timestamp, lab_name, lab_description,
              lab_difficulty));
STATEMENT(draw_attempt_ids, INGEST, PARAMS(struct ingest_draw, count), ROW(struct ingest_id, id));
STATEMENT(insert_attempts, INGEST, .of_rows = true,
          PARAMS(struct attempt, id, user_id, lab_type, completion_status, time_spent, errors_encountered,
                 timestamp, client_id, received_at),
          ROW(struct ingest_id, id));
STATEMENT(find_attempts_sent, INGEST, PARAMS(struct ingest_find, client_ids),
          ROW(struct ingest_known, client_id, user_id, lab_type, kind, id));
STATEMENT(get_attempt, READ, .large = true, PARAMS(struct attempt_path, attempt_id),
          ROW(struct attempt, user_id, lab_type, completion_status, time_spent, errors_encountered, id,
              timestamp, lab_name, lab_description, lab_difficulty));
STATEMENT(list_attempts, REPORT, PARAMS(struct attempts_after, user_id, id, limit),
          ROW(struct attempt, user_id, lab_type, completion_status, time_spent, errors_encountered, id,
              timestamp, lab_name, lab_description, lab_difficulty));
STATEMENT(list_person_attempts, REPORT, PARAMS(struct person_after, user_id, id, limit),
          ROW(struct attempt, user_id, lab_type, completion_status, time_spent, errors_encountered, id,
              timestamp, lab_name, lab_description, lab_difficulty, client_id, received_at));
STATEMENT(delete_attempt, CHANGE, PARAMS(struct attempt_path, attempt_id),
          ROW(struct attempt_path, attempt_id));

const struct person_rows attempts_of_person = {
    "attempt", &list_person_attempts, &listed_attempt_shape, offsetof(struct attempt, id), 0, NULL};

/* Writes the attempt of the body, and replies with the stored attempt or with what does not exist. */
static enum reply store(struct request *rq, const struct statement *statement, int64_t id)
{
    struct attempt in = *(const struct attempt *)rq->body, kept;

    in.id = id;
    kept = in;
    switch (query_row(rq, statement, &in, &kept)) {
    case QUERY_ROW:
        break;
    case QUERY_REPLIED:
        return REPLIED;
    default:
        return reply_unavailable(rq);
    }
    if (!kept.attempt_found)
        return reply_error(rq, 404, "Lab attempt not found");
    if (!kept.user_found)
        return reply_error(rq, 404, "User not found");
    if (!kept.lab_found)
        return reply_error(
            rq, 404,
            arena_printf(&rq->arena, "No labs found for type: %.*s", (int)in.lab_type.len, in.lab_type.at));
    return reply(rq, &attempt_shape, &kept);
}

enum reply attempts_record(struct request *rq)
{
    return store(rq, &insert_attempt, INT_NULL);
}

enum reply attempts_get(struct request *rq)
{
    struct attempt attempt;

    if (!query_found(rq, &get_attempt, rq->path, &attempt, "Lab attempt not found") ||
        !auth_require_user(rq, attempt.user_id))
        return REPLIED;
    return reply(rq, &attempt_shape, &attempt);
}

enum reply attempts_record_many(struct request *rq)
{
    static const struct ingest attempts =
        INGEST(struct attempt, .item = &attempt_item_shape, .draw = &draw_attempt_ids,
               .insert = &insert_attempts, .find = &find_attempts_sent, .look_up = lookups_find,
               .no_lab = "No labs found for type: ", .other = "client_id is another attempt",
               .index = TEXT("lab_attempts_client_id"), .form = TIME_NAIVE);

    return ingest_reply(rq, &attempts);
}

enum reply attempts_export(struct request *rq)
{
    static const struct export export = {&export_attempts, &listed_attempt_shape, "lab-attempts",
                                         offsetof(struct attempt, id)};

    return export_reply(rq, &export);
}

enum reply attempts_list_all(struct request *rq)
{
    static const struct list list =
        LIST(struct attempt, list_all_attempts, attempts_page_shape, .outcomes = true);

    return list_reply(rq, &list);
}

enum reply attempts_update(struct request *rq)
{
    return store(rq, &update_attempt, ((const struct attempt_path *)rq->path)->attempt_id);
}

enum reply attempts_list(struct request *rq)
{
    struct attempts_after after = {((const struct user_path *)rq->path)->user_id, PAGES_BEFORE_ALL, 0};
    struct pages pages = pages_of(rq, &list_attempts, &after, &after.limit);
    struct user user;

    enum query_result result = pages_next(&pages);
    if (result == QUERY_REPLIED)
        return REPLIED;
    if (result == QUERY_NONE &&
        !users_require(rq, after.user_id, &user)) /* a replica may not have the user yet */
        return REPLIED;
    reply_list_begin(rq);
    for (; pages.rows.count; pages_next(&pages)) {
        const struct attempt *rows = pages.rows.items;
        after.id = rows[pages.rows.count - 1].id;
        if (after.id == INT_NULL)
            break;
        shape_write_items(&rq->out, &attempt_shape, pages.rows, pages.first);
    }
    return pages_end(&pages, "]");
}

enum reply attempts_delete(struct request *rq)
{
    struct attempt_path deleted;

    switch (query_row(rq, &delete_attempt, rq->path, &deleted)) {
    case QUERY_ROW:
        return reply_message(
            rq, arena_printf(&rq->arena, "Lab attempt %lld deleted", (long long)deleted.attempt_id));
    case QUERY_NONE:
        return reply_error(rq, 404, "Lab attempt not found");
    default:
        return REPLIED;
    }
}
