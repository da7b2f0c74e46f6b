#include "usage-analytics/api.h"

#include "common/base/declare.h"
#include "common/http/request.h"
#include "common/openapi/docs.h"
#include "common/serve/health.h"
#include "directory/directory.h"
#include "directory/forward.h"
#include "usage-analytics/events.h"
#include "usage-analytics/usage.h"

#define FOLD_EVERY 250 /* milliseconds */

extern const char usage_analytics_schema_sql[]; /* schema/ */

static const struct field root_fields[] = {
    {.name = "service", .type = FIELD_CONST, .example = "\"Usage Analytics Service\""},
    {.name = "status", .type = FIELD_CONST, .example = "\"running\""},
    {.name = "endpoints",
     .type = FIELD_CONST,
     .example = "[\"/analytics/event\",\"/analytics/usage/lab/{lab_type}\",\"/analytics/trends\"]"},
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
#define NO_EVENT                                                                                             \
    {                                                                                                        \
        404, "Event not found"                                                                               \
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
     .path = "/analytics/event",
     .tag = "Analytics",
     .summary = "Record a usage event",
     .body_in = &event_in_shape,
     .answer = &event_shape,
     .flags = ENDPOINT_CREATES,
     .failures = {NO_USER, NO_LAB_TYPE},
     .handle = events_record},
    {.method = METHOD_GET,
     .path = "/analytics/usage/lab/{lab_type}",
     .tag = "Analytics",
     .summary = "Analyze the usage of a lab type",
     .path_in = &lab_type_shape,
     .query_in = &usage_days_shape,
     .answer = &usage_shape,
     .flags = ENDPOINT_REPORT,
     .failures = {NO_LAB_TYPE, {404, "No usage data found for lab type"}},
     .handle = usage_of_lab},
    {.method = METHOD_GET,
     .path = "/analytics/trends",
     .tag = "Analytics",
     .summary = "Show the platform's trends",
     .query_in = &trends_days_shape,
     .answer = &trends_shape,
     .flags = ENDPOINT_REPORT,
     .handle = usage_trends},
    {.method = METHOD_PUT,
     .path = "/analytics/event/{event_id}",
     .tag = "Analytics",
     .summary = "Update a usage event",
     .help = "Its time stays as it was.",
     .path_in = &event_id_shape,
     .body_in = &event_in_shape,
     .answer = &event_shape,
     .failures = {NO_USER, NO_LAB_TYPE, NO_EVENT},
     .handle = events_update},
    {.method = METHOD_DELETE,
     .path = "/analytics/event/{event_id}",
     .tag = "Analytics",
     .summary = "Delete a usage event",
     .path_in = &event_id_shape,
     .answer = &message_shape,
     .failures = {NO_EVENT},
     .handle = events_delete},

    USERS_ENDPOINTS(ENDPOINT_FORWARD, forward, forward, forward, forward, forward),
    LABS_ENDPOINTS(ENDPOINT_FORWARD, forward, forward, forward, forward, forward, forward),

    HEALTH_ENDPOINTS,

    DOCS_ENDPOINTS,
};

const struct api usage_analytics_api = {
    .name = "usage-analytics",
    .title = "Usage Analytics Service",
    .help = "Usage events, usage by lab type and trends of the platform. Users and labs are those of User "
            "Progress.",
    .version = "1.0.0",
    .port = 8006,
    .schema = usage_analytics_schema_sql,
    .schema_version = 2,
    .asks_user_progress = true,
    .forwarding = &directory_forwarding,
    .upkeep = usage_fold,
    .upkeep_every = FOLD_EVERY,
    .endpoints = endpoints,
    .endpoint_count = COUNT(endpoints),
};
