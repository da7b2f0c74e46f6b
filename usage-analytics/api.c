#include "usage-analytics/api.h"

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
#include "privacy/erased.h"
#include "usage-analytics/active.h"
#include "usage-analytics/event_erasure.h"
#include "usage-analytics/events.h"
#include "usage-analytics/funnel.h"
#include "usage-analytics/retention.h"
#include "usage-analytics/series.h"
#include "usage-analytics/timeline.h"
#include "usage-analytics/usage.h"

#define FOLD_EVERY 250 /* milliseconds */

extern const char usage_analytics_schema_sql[]; /* schema/ */

struct root {
    char nothing;
};

#define OF struct root
static const struct field root_fields[] = {
    FIXED("service", "\"Usage Analytics Service\""),
    FIXED("status", "\"running\""),
    FIXED("endpoints", "[\"/analytics/event\",\"/analytics/usage/lab/{lab_type}\",\"/analytics/trends\"]"),
};

static const struct shape root_shape = SHAPE("Service", "What answers here.", root_fields);
#undef OF

static enum reply show_root(struct request *rq)
{
    return reply(rq, &root_shape, "");
}

#define NO_LAB_TYPE FAILURE(404, "Lab type not found")
#define NO_EVENT    FAILURE(404, "Event not found")

#define TITLE "Usage Analytics Service"

static const struct endpoint endpoints[] = {
    GET("/", show_root, "Service", "What answers here", .answer = &root_shape,
        .flags = ENDPOINT_DIRECT | ENDPOINT_OPEN),

    POST("/analytics/event", events_record, "Analytics", "Record a usage event", .body_in = &event_in_shape,
         .answer = &event_shape, .flags = ENDPOINT_CREATES, .failures = {NO_USER, NO_LAB_TYPE}),
    GET("/analytics/usage/lab/{lab_type}", usage_get_lab, "Analytics", "Analyze the usage of a lab type",
        .path_in = &lab_type_path_shape, .query_in = &usage_days_shape, .answer = &usage_shape,
        .flags = ENDPOINT_REPORT, .failures = {NO_LAB_TYPE, {404, "No usage data found for lab type"}}),
    GET("/analytics/trends", usage_get_trends, "Analytics", "Show the platform's trends",
        .query_in = &trends_days_shape, .answer = &trends_shape, .flags = ENDPOINT_REPORT),
    GET("/analytics/active", active_get, "Analytics", "Count active users", .help = ACTIVE_HELP,
        .query_in = &active_query_shape, .answer = &active_shape, .flags = ENDPOINT_REPORT,
        .failures = {NOT_ALL_USERS}),
    GET("/analytics/funnel", funnel_get, "Analytics", "Show what became of sessions", .help = FUNNEL_HELP,
        .query_in = &funnel_query_shape, .answer = &funnel_shape, .flags = ENDPOINT_REPORT,
        .failures = {NOT_ALL_USERS}),
    GET("/analytics/user/{user_id}", timeline_get, "Analytics", "Show what a user did", .help = TIMELINE_HELP,
        .path_in = &user_path_shape, .query_in = &timeline_query_shape, .answer = &timeline_shape,
        .flags = ENDPOINT_REPORT, .failures = {OTHER_USER}),
    ERASE_ENDPOINT("/analytics/user/{user_id}/events", events_erase, "Analytics", "Erase a user's events"),
    GET("/analytics/series", series_get, "Analytics", "Show usage over time", .help = SERIES_HELP,
        .query_in = &usage_series_query_shape, .answer = &usage_series_shape, .flags = ENDPOINT_REPORT,
        .failures = {NOT_ALL_USERS}),
    GET("/analytics/events/export", events_export, "Analytics", "Export usage events", .help = EXPORT_HELP,
        .query_in = &events_export_shape, .answer = &listed_event_shape,
        .flags = ENDPOINT_REPORT | ENDPOINT_EXPORT, .failures = {OTHER_USER, OLD_HTTP}),
    POST("/analytics/events", events_record_many, "Analytics", "Record many usage events",
         .help = INGEST_HELP, .query_in = &ingest_query_shape, .body_in = &event_item_shape,
         .answer = &ingest_answer_shape, .flags = ENDPOINT_CREATES | ENDPOINT_BATCH),
    GET("/analytics/events", events_list, "Analytics", "List usage events", .help = LIST_HELP,
        .query_in = &events_query_shape, .answer = &events_page_shape, .flags = ENDPOINT_REPORT,
        .failures = {OTHER_USER}),
    GET("/analytics/event/{event_id}", events_get, "Analytics", "Get a usage event",
        .path_in = &event_path_shape, .answer = &event_shape, .failures = {NO_EVENT, OTHER_USER}),
    PUT("/analytics/event/{event_id}", events_update, "Analytics", "Update a usage event",
        .help = "Its time does not change.", .path_in = &event_path_shape, .body_in = &event_in_shape,
        .answer = &event_shape, .failures = {NO_USER, NO_LAB_TYPE, NO_EVENT}),
    DELETE("/analytics/event/{event_id}", events_delete, "Analytics", "Delete a usage event",
           .path_in = &event_path_shape, .answer = &message_shape, .failures = {NO_EVENT}),

    USERS_ENDPOINTS(ENDPOINT_FORWARD, forward, forward, forward, forward, forward),
    LABS_ENDPOINTS(ENDPOINT_FORWARD, forward, forward, forward, forward, forward, forward),

    RETENTION_ENDPOINT(retention_run),

    HEALTH_ENDPOINTS,

    DOCS_ENDPOINTS(TITLE),

    DASHBOARD_ENDPOINTS,
};

static const struct part *const parts[] = {&directory_lookups, &zones_part, &ingest_part, &export_part,
                                           &retention_part};

static const struct upkeep upkeep[] = {{usage_fold, FOLD_EVERY}, {retention_upkeep, RETENTION_EVERY}};

const struct api usage_analytics_api = {
    .name = "usage-analytics",
    .title = TITLE,
    .help = "Usage events, usage by lab type and trends of the platform. Users and labs are those of User "
            "Progress.",
    .version = VERSION,
    .port = 8006,
    .schema = usage_analytics_schema_sql,
    .schema_version = 13,
    .table = "usage_state",
    .forwarding = &directory_forwarding,
    .parts = parts,
    .part_count = COUNT(parts),
    .upkeep = upkeep,
    .upkeep_count = COUNT(upkeep),
    .endpoints = endpoints,
    .endpoint_count = COUNT(endpoints),
};
