#include "user-progress/api.h"

#include "common/http/request.h"
#include "common/items/export.h"
#include "common/items/ingest.h"
#include "common/items/list.h"
#include "common/items/retention.h"
#include "common/items/zone.h"
#include "common/openapi/docs.h"
#include "common/reports/series.h"
#include "common/serve/dashboard.h"
#include "common/serve/health.h"
#include "common/shape/declare.h"
#include "common/table/version.h"
#include "directory/directory.h"
#include "user-progress/at_risk.h"
#include "user-progress/attempts.h"
#include "user-progress/entry.h"
#include "user-progress/erasure_work.h"
#include "user-progress/erasures.h"
#include "user-progress/labs.h"
#include "user-progress/lookups.h"
#include "user-progress/person_export.h"
#include "user-progress/progress_change.h"
#include "user-progress/progress_log.h"
#include "user-progress/retention.h"
#include "user-progress/series.h"
#include "user-progress/stats.h"
#include "user-progress/summary.h"
#include "user-progress/user_search.h"
#include "user-progress/user_service.h"
#include "user-progress/users.h"
#include "user-progress/verify.h"

extern const char user_progress_schema_sql[]; /* the files in schema/ */

struct root {
    char nothing;
};

#define OF struct root
static const struct field root_fields[] = {
    FIXED("service", "\"User Progress Tracking Service\""),
    FIXED("status", "\"running\""),
    FIXED("endpoints", "[\"/users/\",\"/labs/\",\"/progress/\"]"),
};

static const struct shape root_shape = SHAPE("Service", "What answers here.", root_fields);
#undef OF

static enum reply show_root(struct request *rq)
{
    return reply(rq, &root_shape, "");
}

#define NO_ATTEMPT  FAILURE(404, "Lab attempt not found")
#define NO_LAB_TYPE FAILURE(404, "No labs found for type: filesystem")

#define NO_ENTRY    FAILURE(404, "Log entry not found", "error")
#define BAD_ENTRY   FAILURE(400, "The body must be a JSON object", "error")
#define NO_LOG_USER FAILURE(400, NO_SUCH_USER, "message")

#define TITLE "User Progress Tracking Service"

static const struct endpoint endpoints[] = {
    GET("/", show_root, "Service", "What answers here", .answer = &root_shape,
        .flags = ENDPOINT_DIRECT | ENDPOINT_OPEN),

    USERS_ENDPOINTS(0, users_create, users_list, users_get, users_update, users_delete),
    GET("/directory/users", user_search_list, "Users", "Find users",
        .help = "By exactly one of username, email and prefix.", .query_in = &user_search_query_shape,
        .answer = &user_page_shape, .flags = ENDPOINT_REPORT, .failures = {OTHER_USER}),
    LABS_ENDPOINTS(0, labs_create, labs_list, labs_get, labs_list_of_type, labs_update, labs_delete),

    POST("/progress/lab-attempt", attempts_record, "Progress", "Record a lab attempt",
         .body_in = &attempt_in_shape, .answer = &attempt_shape, .flags = ENDPOINT_CREATES,
         .failures = {NO_USER, NO_LAB_TYPE}),
    GET("/progress/{user_id}", attempts_list, "Progress", "List a user's lab attempts",
        .help = "In the order in which they were recorded.", .path_in = &user_path_shape,
        .answer = &attempt_shape, .flags = ENDPOINT_LIST | ENDPOINT_REPORT, .failures = {NO_USER}),
    GET("/progress/stats/{user_id}", stats_get, "Progress", "Add up a user's lab attempts",
        .path_in = &user_path_shape, .answer = &stats_shape, .flags = ENDPOINT_REPORT, .failures = {NO_USER}),
    GET("/attempts/series", series_get, "Progress", "Show lab attempts over time", .help = SERIES_HELP,
        .query_in = &attempt_series_query_shape, .answer = &attempt_series_shape, .flags = ENDPOINT_REPORT,
        .failures = {NOT_ALL_USERS}),
    GET("/attempts/export", attempts_export, "Progress", "Export lab attempts", .help = EXPORT_HELP,
        .query_in = &attempts_export_shape, .answer = &listed_attempt_shape,
        .flags = ENDPOINT_REPORT | ENDPOINT_EXPORT, .failures = {OTHER_USER, OLD_HTTP}),
    POST("/attempts", attempts_record_many, "Progress", "Record many lab attempts", .help = INGEST_HELP,
         .query_in = &ingest_query_shape, .body_in = &attempt_item_shape, .answer = &ingest_answer_shape,
         .flags = ENDPOINT_CREATES | ENDPOINT_BATCH),
    GET("/attempts", attempts_list_all, "Progress", "List lab attempts", .help = LIST_HELP,
        .query_in = &attempts_query_shape, .answer = &attempts_page_shape, .flags = ENDPOINT_REPORT,
        .failures = {OTHER_USER}),
    GET("/attempts/at-risk", at_risk_list, "Progress", "List users at risk",
        .help =
            "Who needs a person, by a rule that the answer repeats: users whose last attempts in a lab type "
            "all failed, and users who stopped with a lab unfinished. Nothing is stored and nobody is "
            "notified.",
        .query_in = &at_risk_query_shape, .answer = &at_risk_shape, .flags = ENDPOINT_REPORT,
        .failures = {OTHER_USER}),
    GET("/progress/lab-attempt/{attempt_id}", attempts_get, "Progress", "Get a lab attempt",
        .path_in = &attempt_path_shape, .answer = &attempt_shape, .failures = {NO_ATTEMPT, OTHER_USER}),
    PUT("/progress/lab-attempt/{attempt_id}", attempts_update, "Progress", "Update a lab attempt",
        .help = "Its time does not change.", .path_in = &attempt_path_shape, .body_in = &attempt_in_shape,
        .answer = &attempt_shape, .failures = {NO_ATTEMPT, NO_USER, NO_LAB_TYPE}),
    DELETE("/progress/lab-attempt/{attempt_id}", attempts_delete, "Progress", "Delete a lab attempt",
           .path_in = &attempt_path_shape, .answer = &message_shape, .failures = {NO_ATTEMPT}),

    POST("/lookup", lookup_answer, "Lookup", "Look many users and lab types up at once",
         .help =
             "For the other services: the users, and the oldest lab of each lab type; null for one that does "
             "not exist.",
         .body_in = &lookup_in_shape, .answer = &lookup_shape, .failures = {{413, LOOKUP_TOO_LARGE}}),

    POST("/api/progress/log", progress_log_create, "Progress log", "Log an entry",
         .help = "Members may have any names; numbers keep the digits that are sent.",
         .body_in = &entry_in_shape, .answer = &log_created_shape, .status = 201,
         .flags = ENDPOINT_TOKEN | ENDPOINT_LENIENT | ENDPOINT_CREATES, .failures = {BAD_ENTRY, NO_LOG_USER}),
    GET("/api/progress/{user_id}", progress_log_list, "Progress log", "List a user's entries",
        .help = "The current entries, or those of an earlier time.", .path_in = &user_path_shape,
        .query_in = &as_of_shape, .answer = &log_list_shape,
        .flags = ENDPOINT_TOKEN | ENDPOINT_LENIENT | ENDPOINT_REPORT,
        .failures = {{400, "as_of must be a time such as 2025-04-19T08:30:38Z", "error"}}),
    GET("/api/progress/summary/{user_id}", progress_summary_get, "Progress log", "Add up a user's entries",
        .path_in = &user_path_shape, .answer = &progress_summary_shape,
        .flags = ENDPOINT_TOKEN | ENDPOINT_LENIENT | ENDPOINT_REPORT),
    PUT("/api/progress/log/{log_id}", progress_log_update, "Progress log", "Update an entry",
        .help = "Members that are not sent are kept; null removes one.", .path_in = &log_path_shape,
        .body_in = &entry_change_shape, .answer = &log_updated_shape,
        .flags = ENDPOINT_TOKEN | ENDPOINT_LENIENT, .failures = {BAD_ENTRY, NO_ENTRY}),
    DELETE("/api/progress/log/{log_id}", progress_log_delete, "Progress log", "Delete an entry",
           .help = "Its history is kept, and a rollback restores it.", .path_in = &log_path_shape,
           .answer = &log_deleted_shape, .flags = ENDPOINT_TOKEN | ENDPOINT_LENIENT, .failures = {NO_ENTRY}),
    DELETE("/api/progress/user/{user_id}/logs", progress_log_delete_all, "Progress log",
           "Delete all entries of a user", .path_in = &user_path_shape, .answer = &logs_deleted_shape,
           .flags = ENDPOINT_TOKEN | ENDPOINT_LENIENT,
           .failures = {{404, "No logs found for the given user_id", "error"}}),
    GET("/api/progress/log/{log_id}/history", progress_log_history, "Progress log",
        "List what happened to an entry",
        .help = "From its first version; a deleted entry has a history too.", .path_in = &log_path_shape,
        .answer = &log_event_shape,
        .flags = ENDPOINT_TOKEN | ENDPOINT_LENIENT | ENDPOINT_LIST | ENDPOINT_REPORT, .failures = {NO_ENTRY}),
    POST("/api/progress/log/{log_id}/rollback", progress_log_rollback, "Progress log",
         "Bring a version of an entry back", .help = "As a new event; nothing of the history is lost.",
         .path_in = &log_path_shape, .body_in = &version_shape, .answer = &entry_shape,
         .flags = ENDPOINT_TOKEN | ENDPOINT_LENIENT,
         .failures = {{400, "That version is a deletion", "error"},
                      NO_ENTRY,
                      {404, "Log entry has no such version", "error"}}),

    POST(
        "/privacy/erasures", erasures_create, "Privacy", "Erase a person",
        .help =
            "Deletes everything of a person in all three services, and after the longest time that a "
            "request can take looks for what came late. While it runs, the same user gives the same erasure; "
            "afterwards a new one if there is anything again, else the last one.",
        .query_in = &erasure_query_shape, .body_in = &erasure_in_shape, .answer = &erasure_begun_shape,
        .status = 202, .preview = &erasure_preview_shape, .flags = ENDPOINT_REPORT, .scope = "privacy",
        .failures = {NO_USER}),
    GET("/privacy/erasures/{erasure_id}", erasures_get, "Privacy", "Show an erasure",
        .help = "How far it is, and at its end the receipt.", .path_in = &erasure_path_shape,
        .answer = &erasure_shape, .scope = "privacy", .failures = {FAILURE(404, "Erasure not found")}),

    GET("/privacy/people/{user_id}", person_export, "Privacy", "Export a person",
        .help =
            "Everything that the three services have about a user, one object per line. The last line has "
            "the counts; an answer that is cut ends without its last chunk, which clients report as an "
            "error.",
        .path_in = &user_path_shape, .answer = &person_line_shape, .flags = ENDPOINT_REPORT | ENDPOINT_LINES,
        .scope = "privacy", .failures = {NO_USER, OLD_HTTP}),

    RETENTION_ENDPOINT(retention_run),

    HEALTH_ENDPOINTS,

    DOCS_ENDPOINTS(TITLE),

    DASHBOARD_ENDPOINTS,
};

static const struct command commands[] = {
    {"verify", "replay the progress log's events and check that its entries follow from them", verify_run},
};

static const struct part *const parts[] = {&zones_part, &ingest_part, &export_part, &erasures_part,
                                           &retention_part};

static const struct upkeep upkeep[] = {{erasures_upkeep, ERASURES_EVERY},
                                       {retention_upkeep, RETENTION_EVERY}};

const struct api user_progress_api = {
    .name = "user-progress",
    .title = TITLE,
    .help = "Users, labs, lab attempts and the progress log: the source of truth for users and labs.",
    .version = VERSION,
    .port = 8004,
    .schema = user_progress_schema_sql,
    .schema_version = 11,
    .table = "attempt_state",
    .parts = parts,
    .part_count = COUNT(parts),
    .upkeep = upkeep,
    .upkeep_count = COUNT(upkeep),
    .endpoints = endpoints,
    .endpoint_count = COUNT(endpoints),
    .commands = commands,
    .command_count = COUNT(commands),
};
