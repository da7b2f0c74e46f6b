#include "user-progress/api.h"

#include "common/base/declare.h"
#include "common/http/request.h"
#include "common/openapi/docs.h"
#include "common/serve/health.h"
#include "directory/directory.h"
#include "user-progress/attempts.h"
#include "user-progress/entry.h"
#include "user-progress/labs.h"
#include "user-progress/lookups.h"
#include "user-progress/progress_log.h"
#include "user-progress/stats.h"
#include "user-progress/summary.h"
#include "user-progress/user_service.h"
#include "user-progress/users.h"
#include "user-progress/verify.h"

extern const char user_progress_schema_sql[]; /* schema.sql */

static const struct field root_fields[] = {
    {.name = "service", .type = FIELD_CONST, .example = "\"User Progress Tracking Service\""},
    {.name = "status", .type = FIELD_CONST, .example = "\"running\""},
    {.name = "endpoints", .type = FIELD_CONST, .example = "[\"/users/\",\"/labs/\",\"/progress/\"]"},
};

static const struct shape root_shape = {"Service", "What answers here.", 1, root_fields, 3};

static enum reply show_root(struct request *rq)
{
    return reply(rq, &root_shape, "");
}

#define NO_ATTEMPT                                                                                           \
    {                                                                                                        \
        404, "Lab attempt not found"                                                                         \
    }
#define NO_LAB_TYPE                                                                                          \
    {                                                                                                        \
        404, "No labs found for type: filesystem"                                                            \
    }

#define NO_ENTRY                                                                                             \
    {                                                                                                        \
        404, "Log entry not found", "error"                                                                  \
    }
#define BAD_ENTRY                                                                                            \
    {                                                                                                        \
        400, "The body must be a JSON object", "error"                                                       \
    }
#define NO_LOG_USER                                                                                          \
    {                                                                                                        \
        400, NO_SUCH_USER, "message"                                                                         \
    }

static const struct endpoint endpoints[] = {
    {.method = METHOD_GET,
     .path = "/",
     .tag = "Service",
     .summary = "What answers here",
     .answer = &root_shape,
     .flags = ENDPOINT_DIRECT | ENDPOINT_OPEN,
     .handle = show_root},

    USERS_ENDPOINTS(0, users_create, users_list, users_get, users_update, users_delete),
    LABS_ENDPOINTS(0, labs_create, labs_list, labs_get, labs_list_of_type, labs_update, labs_delete),

    {.method = METHOD_POST,
     .path = "/progress/lab-attempt",
     .tag = "Progress",
     .summary = "Record a lab attempt",
     .body_in = &attempt_in_shape,
     .answer = &attempt_shape,
     .flags = ENDPOINT_CREATES,
     .failures = {NO_USER, NO_LAB_TYPE},
     .handle = attempts_record},
    {.method = METHOD_GET,
     .path = "/progress/{user_id}",
     .tag = "Progress",
     .summary = "List a user's lab attempts",
     .help = "In the order they were recorded.",
     .path_in = &user_id_shape,
     .answer = &attempt_shape,
     .flags = ENDPOINT_LIST | ENDPOINT_REPORT,
     .failures = {NO_USER},
     .handle = attempts_list},
    {.method = METHOD_GET,
     .path = "/progress/stats/{user_id}",
     .tag = "Progress",
     .summary = "Add up a user's lab attempts",
     .path_in = &user_id_shape,
     .answer = &stats_shape,
     .flags = ENDPOINT_REPORT,
     .failures = {NO_USER},
     .handle = stats_get},
    {.method = METHOD_PUT,
     .path = "/progress/lab-attempt/{attempt_id}",
     .tag = "Progress",
     .summary = "Update a lab attempt",
     .help = "Its time stays as it was.",
     .path_in = &attempt_id_shape,
     .body_in = &attempt_in_shape,
     .answer = &attempt_shape,
     .failures = {NO_ATTEMPT, NO_USER, NO_LAB_TYPE},
     .handle = attempts_update},
    {.method = METHOD_DELETE,
     .path = "/progress/lab-attempt/{attempt_id}",
     .tag = "Progress",
     .summary = "Delete a lab attempt",
     .path_in = &attempt_id_shape,
     .answer = &message_shape,
     .failures = {NO_ATTEMPT},
     .handle = attempts_delete},

    {.method = METHOD_POST,
     .path = "/lookup",
     .tag = "Lookup",
     .summary = "Look many users and lab types up at once",
     .help = "For the other services: each user and, for each lab type, its oldest lab; null where there is "
             "none.",
     .body_in = &lookup_in_shape,
     .answer = &lookup_shape,
     .failures = {{413, LOOKUP_TOO_LARGE}},
     .handle = lookup_answer},

    {.method = METHOD_POST,
     .path = "/api/progress/log",
     .tag = "Progress log",
     .summary = "Log an entry",
     .help = "Members of any names; numbers keep the digits that are sent.",
     .body_in = &entry_in_shape,
     .answer = &log_created_shape,
     .status = 201,
     .flags = ENDPOINT_TOKEN | ENDPOINT_LENIENT | ENDPOINT_CREATES,
     .failures = {BAD_ENTRY, NO_LOG_USER},
     .handle = progress_log_create},
    {.method = METHOD_GET,
     .path = "/api/progress/{user_id}",
     .tag = "Progress log",
     .summary = "List a user's entries",
     .help = "As they stand now, or as they stood.",
     .path_in = &user_id_shape,
     .query_in = &as_of_shape,
     .answer = &log_list_shape,
     .flags = ENDPOINT_TOKEN | ENDPOINT_LENIENT | ENDPOINT_REPORT,
     .failures = {{400, "as_of must be a time such as 2025-04-19T08:30:38Z", "error"}},
     .handle = progress_log_list},
    {.method = METHOD_GET,
     .path = "/api/progress/summary/{user_id}",
     .tag = "Progress log",
     .summary = "Add up a user's entries",
     .path_in = &user_id_shape,
     .answer = &progress_summary_shape,
     .flags = ENDPOINT_TOKEN | ENDPOINT_LENIENT | ENDPOINT_REPORT,
     .handle = progress_summary_get},
    {.method = METHOD_PUT,
     .path = "/api/progress/log/{log_id}",
     .tag = "Progress log",
     .summary = "Update an entry",
     .help = "Members that are not sent stay; null removes one.",
     .path_in = &log_id_shape,
     .body_in = &entry_change_shape,
     .answer = &log_updated_shape,
     .flags = ENDPOINT_TOKEN | ENDPOINT_LENIENT,
     .failures = {BAD_ENTRY, NO_ENTRY},
     .handle = progress_log_update},
    {.method = METHOD_DELETE,
     .path = "/api/progress/log/{log_id}",
     .tag = "Progress log",
     .summary = "Delete an entry",
     .help = "Its history stays, and a rollback brings it back.",
     .path_in = &log_id_shape,
     .answer = &log_deleted_shape,
     .flags = ENDPOINT_TOKEN | ENDPOINT_LENIENT,
     .failures = {NO_ENTRY},
     .handle = progress_log_delete},
    {.method = METHOD_DELETE,
     .path = "/api/progress/user/{user_id}/logs",
     .tag = "Progress log",
     .summary = "Delete all entries of a user",
     .path_in = &user_id_shape,
     .answer = &logs_deleted_shape,
     .flags = ENDPOINT_TOKEN | ENDPOINT_LENIENT,
     .failures = {{404, "No logs found for the given user_id", "error"}},
     .handle = progress_log_delete_all},
    {.method = METHOD_GET,
     .path = "/api/progress/log/{log_id}/history",
     .tag = "Progress log",
     .summary = "List what happened to an entry",
     .help = "From its first version on; a deleted entry has a history too.",
     .path_in = &log_id_shape,
     .answer = &log_event_shape,
     .flags = ENDPOINT_TOKEN | ENDPOINT_LENIENT | ENDPOINT_LIST | ENDPOINT_REPORT,
     .failures = {NO_ENTRY},
     .handle = progress_log_history},
    {.method = METHOD_POST,
     .path = "/api/progress/log/{log_id}/rollback",
     .tag = "Progress log",
     .summary = "Bring a version of an entry back",
     .help = "Written as a new event; nothing of the history is lost.",
     .path_in = &log_id_shape,
     .body_in = &version_shape,
     .answer = &entry_shape,
     .flags = ENDPOINT_TOKEN | ENDPOINT_LENIENT,
     .failures = {{400, "That version is a deletion", "error"},
                  NO_ENTRY,
                  {404, "Log entry has no such version", "error"}},
     .handle = progress_log_rollback},

    HEALTH_ENDPOINTS,

    DOCS_ENDPOINTS,
};

static const struct command commands[] = {
    {"verify", "replay the progress log's events and prove that its entries follow from them", verify_run},
};

const struct api user_progress_api = {
    .name = "user-progress",
    .title = "User Progress Tracking Service",
    .help = "Users, labs, lab attempts and the progress log: the source of truth for users and labs.",
    .version = "1.0.0",
    .port = 8004,
    .schema = user_progress_schema_sql,
    .schema_version = 3,
    .endpoints = endpoints,
    .endpoint_count = COUNT(endpoints),
    .commands = commands,
    .command_count = COUNT(commands),
};
