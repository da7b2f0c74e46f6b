/*
 * The pages that document a service for people: Swagger UI at /docs, Redoc at /redoc, from its /openapi.json.
 *
 * Everything that they load is part of the daemon, compressed by tools/pages, and is loaded from the daemon
 * only. The paths contain a hash of all of it, so that browsers may cache it for ever.
 */
#ifndef COMMON_OPENAPI_DOCS_H
#define COMMON_OPENAPI_DOCS_H

#include "common/table/api.h"

handler_fn docs_swagger, docs_redoc, docs_file, docs_licenses;

extern const struct shape docs_file_shape;

#define DOCS_FLAGS (ENDPOINT_DIRECT | ENDPOINT_OPEN | ENDPOINT_HIDDEN | ENDPOINT_TAGGED)

/* Their endpoints; the title of the pages is that of the service, which is the summary of the endpoints. */
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
