#include "user-progress/api.h"

#include "common/directory.h"
#include "common/health.h"
#include "common/request.h"
#include "user-progress/attempts.h"
#include "user-progress/labs.h"
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

#define USER_TAKEN                                                                                           \
    {400, "Email already registered"},                                                                       \
    {                                                                                                        \
        400, "Username already taken"                                                                        \
    }
#define NO_USER                                                                                              \
    {                                                                                                        \
        404, "User not found"                                                                                \
    }
#define NO_LAB                                                                                               \
    {                                                                                                        \
        404, "Lab not found"                                                                                 \
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

    {.method = METHOD_POST,
     .path = "/users/",
     .tag = "Users",
     .summary = "Create a user",
     .body_in = &user_create_shape,
     .answer = &user_shape,
     .failures = {USER_TAKEN, {400, "User id already exists"}},
     .handle = users_create},
    {.method = METHOD_GET,
     .path = "/users/",
     .tag = "Users",
     .summary = "List users",
     .help = "By the time they were made.",
     .query_in = &page_shape,
     .answer = &user_shape,
     .flags = ENDPOINT_LIST | ENDPOINT_REPORT,
     .handle = users_list},
    {.method = METHOD_GET,
     .path = "/users/{user_id}",
     .tag = "Users",
     .summary = "Get a user",
     .path_in = &user_id_shape,
     .answer = &user_shape,
     .failures = {NO_USER},
     .handle = users_get},
    {.method = METHOD_PUT,
     .path = "/users/{user_id}",
     .tag = "Users",
     .summary = "Update a user",
     .path_in = &user_id_shape,
     .body_in = &user_update_shape,
     .answer = &user_shape,
     .failures = {USER_TAKEN, NO_USER},
     .handle = users_update},
    {.method = METHOD_DELETE,
     .path = "/users/{user_id}",
     .tag = "Users",
     .summary = "Delete a user",
     .help = "What the user did stays: it is history.",
     .path_in = &user_id_shape,
     .answer = &message_shape,
     .failures = {NO_USER},
     .handle = users_delete},

    {.method = METHOD_POST,
     .path = "/labs/",
     .tag = "Labs",
     .summary = "Create a lab",
     .body_in = &lab_create_shape,
     .answer = &lab_shape,
     .failures = {{400, "Lab name already exists"}, {400, "Lab id already exists"}},
     .handle = labs_create},
    {.method = METHOD_GET,
     .path = "/labs/",
     .tag = "Labs",
     .summary = "List labs",
     .help = "By the time they were made.",
     .query_in = &page_shape,
     .answer = &lab_shape,
     .flags = ENDPOINT_LIST | ENDPOINT_REPORT,
     .handle = labs_list},
    {.method = METHOD_GET,
     .path = "/labs/{lab_id}",
     .tag = "Labs",
     .summary = "Get a lab",
     .path_in = &lab_id_shape,
     .answer = &lab_shape,
     .failures = {NO_LAB},
     .handle = labs_get},
    {.method = METHOD_GET,
     .path = "/labs/type/{lab_type}",
     .tag = "Labs",
     .summary = "List the labs of a type",
     .path_in = &lab_type_shape,
     .answer = &lab_shape,
     .flags = ENDPOINT_LIST | ENDPOINT_REPORT,
     .handle = labs_list_of_type},
    {.method = METHOD_PUT,
     .path = "/labs/{lab_id}",
     .tag = "Labs",
     .summary = "Update a lab",
     .path_in = &lab_id_shape,
     .body_in = &lab_update_shape,
     .answer = &lab_shape,
     .failures = {{400, "Lab name already exists"}, NO_LAB},
     .handle = labs_update},
    {.method = METHOD_DELETE,
     .path = "/labs/{lab_id}",
     .tag = "Labs",
     .summary = "Delete a lab",
     .help = "What was done in it stays: it is history.",
     .path_in = &lab_id_shape,
     .answer = &message_shape,
     .failures = {NO_LAB},
     .handle = labs_delete},

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

    HEALTH_ENDPOINTS,
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
