/*
 * The pages that document a service for people: Swagger UI at /docs, Redoc at /redoc, from its /openapi.json.
 *
 * Everything that they load is part of the daemon (embedded.h) and is loaded from the daemon only.
 */
#ifndef COMMON_OPENAPI_DOCS_H
#define COMMON_OPENAPI_DOCS_H

#include "common/openapi/embedded.h"

handler_fn docs_swagger, docs_redoc, docs_licenses;

/* Their endpoints; the title of the pages is that of the service, which is the summary of the endpoints. */
#define DOCS_ENDPOINTS(title)                                                                                \
    {.method = METHOD_GET,                                                                                   \
     .path = "/docs",                                                                                        \
     .summary = (title),                                                                                     \
     .flags = EMBEDDED_FLAGS,                                                                                \
     .handle = docs_swagger},                                                                                \
        {.method = METHOD_GET,                                                                               \
         .path = "/redoc",                                                                                   \
         .summary = (title),                                                                                 \
         .flags = EMBEDDED_FLAGS,                                                                            \
         .handle = docs_redoc},                                                                              \
        {.method = METHOD_GET, .path = "/docs/licenses", .flags = EMBEDDED_FLAGS, .handle = docs_licenses},  \
    {                                                                                                        \
        .method = METHOD_GET, .path = "/docs/files/{hash}/{name}", .path_in = &embedded_path_shape,          \
        .flags = EMBEDDED_FLAGS, .handle = embedded_file                                                     \
    }

#endif
