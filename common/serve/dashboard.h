/*
 * The page at /dashboard, which shows people what the services know: the same files on every service, and
 * /dashboard/services.json, by which it finds the others (DASHBOARD_URLS).
 */
#ifndef COMMON_SERVE_DASHBOARD_H
#define COMMON_SERVE_DASHBOARD_H

#include "common/openapi/embedded.h"

handler_fn dashboard_page, dashboard_services;

#define DASHBOARD_ENDPOINTS                                                                                  \
    {.method = METHOD_GET, .path = "/dashboard", .flags = EMBEDDED_FLAGS, .handle = dashboard_page},         \
        {.method = METHOD_GET,                                                                               \
         .path = "/dashboard/services.json",                                                                 \
         .flags = EMBEDDED_FLAGS,                                                                            \
         .handle = dashboard_services},                                                                      \
    {                                                                                                        \
        .method = METHOD_GET, .path = "/dashboard/files/{hash}/{name}", .path_in = &embedded_path_shape,     \
        .flags = EMBEDDED_FLAGS, .handle = embedded_file                                                     \
    }

/*
 * What is wrong with DASHBOARD_URLS, as the end of a sentence that begins with its name; NULL if it is valid.
 * A static text.
 */
const char *dashboard_fault(const char *urls) MUST_CHECK;

#endif
