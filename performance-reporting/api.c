#include "performance-reporting/api.h"

#include "common/http/request.h"
#include "common/items/export.h"
#include "common/items/ingest.h"
#include "common/items/list.h"
#include "common/items/zone.h"
#include "common/openapi/docs.h"
#include "common/serve/health.h"
#include "common/shape/declare.h"
#include "directory/directory.h"
#include "directory/forward.h"
#include "directory/parts.h"
#include "performance-reporting/records.h"
#include "performance-reporting/reports.h"

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
    GET("/performance/user/{user_id}", reports_of_user, "Performance", "Report on a user",
        .path_in = &user_path_shape, .answer = &user_report_shape, .flags = ENDPOINT_REPORT,
        .failures = {NO_USER}),
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
        .path_in = &record_path_shape, .answer = &record_shape, .failures = {NO_RECORD}),
    PUT("/performance/record/{performance_id}", records_update, "Performance", "Update a performance record",
        .help = "Its time does not change.", .path_in = &record_path_shape, .body_in = &record_in_shape,
        .answer = &record_shape, .failures = {NO_USER, NO_LAB_TYPE, NO_RECORD}),
    DELETE("/performance/record/{performance_id}", records_delete, "Performance",
           "Delete a performance record", .path_in = &record_path_shape, .answer = &message_shape,
           .failures = {NO_RECORD}),

    USERS_ENDPOINTS(ENDPOINT_FORWARD, forward, forward, forward, forward, forward),
    LABS_ENDPOINTS(ENDPOINT_FORWARD, forward, forward, forward, forward, forward, forward),

    HEALTH_ENDPOINTS,

    DOCS_ENDPOINTS(TITLE),
};

static const struct part *const parts[] = {&directory_lookups, &zones_part, &ingest_part, &export_part};

const struct api performance_reporting_api = {
    .name = "performance-reporting",
    .title = TITLE,
    .help = "Performance records, and reports by lab type and by user. Users and labs are those of User "
            "Progress.",
    .version = "1.0.0",
    .port = 8005,
    .schema = performance_reporting_schema_sql,
    .schema_version = 5,
    .forwarding = &directory_forwarding,
    .parts = parts,
    .part_count = COUNT(parts),
    .endpoints = endpoints,
    .endpoint_count = COUNT(endpoints),
};
