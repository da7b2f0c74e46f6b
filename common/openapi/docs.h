/*
 * The pages that show a service to a person: Swagger UI at /docs, Redoc at /redoc, over its /openapi.json.
 *
 * Everything that they load travels inside the daemon, compressed (tools/pages makes it), and comes from the
 * daemon alone. Its path has a hash of all of it, so that browsers may keep it for good.
 */
#ifndef COMMON_OPENAPI_DOCS_H
#define COMMON_OPENAPI_DOCS_H

#include "common/table/api.h"

handler_fn docs_swagger, docs_redoc, docs_file, docs_licenses;

extern const struct shape docs_file_shape;

#define DOCS_FLAGS (ENDPOINT_DIRECT | ENDPOINT_OPEN | ENDPOINT_HIDDEN | ENDPOINT_TAGGED)

/* Their endpoints; the pages are headed by the service's title, which is the summary of their endpoints. */
#define DOCS_ENDPOINTS(title)                                                                                \
    {.method = METHOD_GET,                                                                                   \
     .path = "/docs",                                                                                        \
     .summary = (title),                                                                                     \
     .flags = DOCS_FLAGS,                                                                                    \
     .handle = docs_swagger},                                                                                \
        {.method = METHOD_GET,                                                                               \
         .path = "/redoc",                                                                                   \
         .summary = (title),                                                                                 \
         .flags = DOCS_FLAGS,                                                                                \
         .handle = docs_redoc},                                                                              \
        {.method = METHOD_GET, .path = "/docs/licenses", .flags = DOCS_FLAGS, .handle = docs_licenses},      \
    {                                                                                                        \
        .method = METHOD_GET, .path = "/docs/files/{hash}/{name}", .path_in = &docs_file_shape,              \
        .flags = DOCS_FLAGS, .handle = docs_file                                                             \
    }

#endif
