#include "performance-reporting/api.h"

#include "common/base/declare.h"
#include "common/http/request.h"
#include "common/openapi/docs.h"
#include "common/serve/health.h"
#include "directory/directory.h"
#include "directory/forward.h"
#include "performance-reporting/records.h"
#include "performance-reporting/reports.h"

extern const char performance_reporting_schema_sql[]; /* schema.sql */

static const struct field root_fields[] = {
    {.name = "service", .type = FIELD_CONST, .example = "\"Performance Reporting Service\""},
    {.name = "status", .type = FIELD_CONST, .example = "\"running\""},
    {.name = "endpoints",
     .type = FIELD_CONST,
     .example = "[\"/performance/record\",\"/performance/lab/{lab_type}\",\"/performance/user/{user_id}\"]"},
};

static const struct shape root_shape = {"Service", "What answers here.", 1, root_fields, 3};

static enum reply show_root(struct request *rq)
{
    return reply(rq, &root_shape, "");
}

#define NO_LAB_TYPE                                                                                          \
    {                                                                                                        \
        404, "Lab type not found"                                                                            \
    }
#define NO_RECORD                                                                                            \
    {                                                                                                        \
        404, "Performance record not found"                                                                  \
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
     .path = "/performance/record",
     .tag = "Performance",
     .summary = "Record a performance",
     .body_in = &record_in_shape,
     .answer = &record_shape,
     .flags = ENDPOINT_CREATES,
     .failures = {NO_USER, NO_LAB_TYPE},
     .handle = records_create},
    {.method = METHOD_GET,
     .path = "/performance/lab/{lab_type}",
     .tag = "Performance",
     .summary = "Report on a lab type",
     .path_in = &lab_type_shape,
     .answer = &lab_report_shape,
     .flags = ENDPOINT_REPORT,
     .failures = {NO_LAB_TYPE, {404, "No records found for lab type"}},
     .handle = reports_of_lab},
    {.method = METHOD_GET,
     .path = "/performance/user/{user_id}",
     .tag = "Performance",
     .summary = "Report on a user",
     .path_in = &user_id_shape,
     .answer = &user_report_shape,
     .flags = ENDPOINT_REPORT,
     .failures = {NO_USER},
     .handle = reports_of_user},
    {.method = METHOD_PUT,
     .path = "/performance/record/{performance_id}",
     .tag = "Performance",
     .summary = "Update a performance record",
     .help = "Its time stays as it was.",
     .path_in = &record_id_shape,
     .body_in = &record_in_shape,
     .answer = &record_shape,
     .failures = {NO_USER, NO_LAB_TYPE, NO_RECORD},
     .handle = records_update},
    {.method = METHOD_DELETE,
     .path = "/performance/record/{performance_id}",
     .tag = "Performance",
     .summary = "Delete a performance record",
     .path_in = &record_id_shape,
     .answer = &message_shape,
     .failures = {NO_RECORD},
     .handle = records_delete},

    USERS_ENDPOINTS(ENDPOINT_FORWARD, forward, forward, forward, forward, forward),
    LABS_ENDPOINTS(ENDPOINT_FORWARD, forward, forward, forward, forward, forward, forward),

    HEALTH_ENDPOINTS,

    DOCS_ENDPOINTS,
};

const struct api performance_reporting_api = {
    .name = "performance-reporting",
    .title = "Performance Reporting Service",
    .help = "Performance records, and reports by lab type and by user. Users and labs are those of User "
            "Progress.",
    .version = "1.0.0",
    .port = 8005,
    .schema = performance_reporting_schema_sql,
    .schema_version = 2,
    .asks_user_progress = true,
    .forwarding = &directory_forwarding,
    .endpoints = endpoints,
    .endpoint_count = COUNT(endpoints),
};
