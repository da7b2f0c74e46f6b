#include "user-progress/api.h"

#include "common/directory.h"
#include "common/docs.h"
#include "common/health.h"
#include "common/request.h"
#include "user-progress/attempts.h"
#include "user-progress/labs.h"
#include "user-progress/lookups.h"
#include "user-progress/stats.h"
#include "user-progress/users.h"

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
     .handle = lookup_answer},

    HEALTH_ENDPOINTS,

    DOCS_ENDPOINTS,
};

const struct api user_progress_api = {
    .name = "user-progress",
    .title = "User Progress Tracking Service",
    .help = "Users, labs and lab attempts: the source of truth for users and labs.",
    .version = "1.0.0",
    .port = 8004,
    .schema = user_progress_schema_sql,
    .schema_version = 1,
    .endpoints = endpoints,
    .endpoint_count = sizeof(endpoints) / sizeof(endpoints[0]),
};
