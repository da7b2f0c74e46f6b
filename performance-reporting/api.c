#include "performance-reporting/api.h"

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
#include "directory/forward.h"
#include "directory/parts.h"
#include "performance-reporting/difficulty.h"
#include "performance-reporting/errors.h"
#include "performance-reporting/record_erasure.h"
#include "performance-reporting/records.h"
#include "performance-reporting/reports.h"
#include "performance-reporting/resources.h"
#include "performance-reporting/retention.h"
#include "performance-reporting/series.h"
#include "performance-reporting/times.h"
#include "privacy/erased.h"

extern const char performance_reporting_schema_sql[]; /* schema/ */

struct root {
    char nothing;
};

#define OF struct root
static const struct field root_fields[] = {
    FIXED("service", "\"Performance Reporting Service\""),
    FIXED("status", "\"running\""),
    FIXED("endpoints",
          "[\"/performance/record\",\"/performance/lab/{lab_type}\",\"/performance/user/{user_id}\"]"),
};

static const struct shape root_shape = SHAPE("Service", "What answers here.", root_fields);
#undef OF

static enum reply show_root(struct request *rq)
{
    return reply(rq, &root_shape, "");
}

#define NO_LAB_TYPE FAILURE(404, "Lab type not found")
#define NO_RECORD   FAILURE(404, "Performance record not found")

#define TITLE "Performance Reporting Service"

static const struct endpoint endpoints[] = {
    GET("/", show_root, "Service", "What answers here", .answer = &root_shape,
        .flags = ENDPOINT_DIRECT | ENDPOINT_OPEN),

    POST("/performance/record", records_create, "Performance", "Record a performance",
         .body_in = &record_in_shape, .answer = &record_shape, .flags = ENDPOINT_CREATES,
         .failures = {NO_USER, NO_LAB_TYPE}),
    GET("/performance/lab/{lab_type}", reports_of_lab, "Performance", "Report on a lab type",
        .path_in = &lab_type_path_shape, .answer = &lab_report_shape, .flags = ENDPOINT_REPORT,
        .failures = {NO_LAB_TYPE, {404, "No records found for lab type"}}),
    GET("/performance/lab/{lab_type}/times", times_show, "Performance",
        "Report on the completion times of a lab type",
        .help = "Percentiles are times that occurred (nearest rank): the smallest that at least so many per "
                "cent do not "
                "exceed. Records without a time are not counted.",
        .path_in = &lab_type_path_shape, .query_in = &times_query_shape, .answer = &times_shape,
        .flags = ENDPOINT_REPORT, .failures = {NO_LAB_TYPE, NOT_ALL_USERS}),
    GET("/performance/lab/{lab_type}/errors", errors_show, "Performance",
        "Report on the errors of a lab type",
        .help = "The first five are the `common_errors` of the lab type.", .path_in = &lab_type_path_shape,
        .query_in = &errors_query_shape, .answer = &errors_shape, .flags = ENDPOINT_REPORT,
        .failures = {NO_LAB_TYPE, NOT_ALL_USERS}),
    GET("/performance/difficulty", difficulty_show, "Performance",
        "Report on the difficulty of all lab types",
        .help =
            "Of each user the records of the lab type in the order of their time, equal times by id; records "
            "without a time are earlier than all others.",
        .query_in = &difficulty_query_shape, .answer = &difficulty_shape, .flags = ENDPOINT_REPORT,
        .failures = {NOT_ALL_USERS}),
    GET("/performance/resources", resources_show, "Performance", "Report on the resources that were used",
        .help = "By default of the 30 days before `to`, which is now by default; at most 400 days.",
        .query_in = &resources_query_shape, .answer = &resources_shape, .flags = ENDPOINT_REPORT,
        .failures = {NOT_ALL_USERS}),
    GET("/performance/user/{user_id}", reports_of_user, "Performance", "Report on a user",
        .path_in = &user_path_shape, .answer = &user_report_shape, .flags = ENDPOINT_REPORT,
        .failures = {NO_USER}),
    ERASE_ENDPOINT("/performance/user/{user_id}/records", records_erase, "Performance",
                   "Erase a user's records"),
    GET("/performance/series", series_get, "Performance", "Show performance over time", .help = SERIES_HELP,
        .query_in = &record_series_query_shape, .answer = &record_series_shape, .flags = ENDPOINT_REPORT,
        .failures = {NOT_ALL_USERS}),
    GET("/performance/records/export", records_export, "Performance", "Export performance records",
        .help = EXPORT_HELP, .query_in = &records_export_shape, .answer = &listed_record_shape,
        .flags = ENDPOINT_REPORT | ENDPOINT_EXPORT, .failures = {OTHER_USER, OLD_HTTP}),
    POST("/performance/records", records_create_many, "Performance", "Record many performances",
         .help = INGEST_HELP, .query_in = &ingest_query_shape, .body_in = &record_item_shape,
         .answer = &ingest_answer_shape, .flags = ENDPOINT_CREATES | ENDPOINT_BATCH),
    GET("/performance/records", records_list, "Performance", "List performance records", .help = LIST_HELP,
        .query_in = &records_query_shape, .answer = &records_page_shape, .flags = ENDPOINT_REPORT,
        .failures = {OTHER_USER}),
    GET("/performance/record/{performance_id}", records_get, "Performance", "Get a performance record",
        .path_in = &record_path_shape, .answer = &record_shape, .failures = {NO_RECORD, OTHER_USER}),
    PUT("/performance/record/{performance_id}", records_update, "Performance", "Update a performance record",
        .help = "Its time does not change.", .path_in = &record_path_shape, .body_in = &record_in_shape,
        .answer = &record_shape, .failures = {NO_USER, NO_LAB_TYPE, NO_RECORD}),
    DELETE("/performance/record/{performance_id}", records_delete, "Performance",
           "Delete a performance record", .path_in = &record_path_shape, .answer = &message_shape,
           .failures = {NO_RECORD}),

    USERS_ENDPOINTS(ENDPOINT_FORWARD, forward, forward, forward, forward, forward),
    LABS_ENDPOINTS(ENDPOINT_FORWARD, forward, forward, forward, forward, forward, forward),

    RETENTION_ENDPOINT(retention_run),

    HEALTH_ENDPOINTS,

    DOCS_ENDPOINTS(TITLE),

    DASHBOARD_ENDPOINTS,
};

static const struct part *const parts[] = {&directory_lookups, &zones_part, &ingest_part, &export_part,
                                           &retention_part};

static const struct upkeep upkeep[] = {{retention_upkeep, RETENTION_EVERY}};

const struct api performance_reporting_api = {
    .name = "performance-reporting",
    .title = TITLE,
    .help = "Performance records, and reports by lab type and by user. Users and labs are those of User "
            "Progress.",
    .version = VERSION,
    .port = 8005,
    .schema = performance_reporting_schema_sql,
    .schema_version = 9,
    .table = "performance_state",
    .forwarding = &directory_forwarding,
    .parts = parts,
    .part_count = COUNT(parts),
    .upkeep = upkeep,
    .upkeep_count = COUNT(upkeep),
    .endpoints = endpoints,
    .endpoint_count = COUNT(endpoints),
};
