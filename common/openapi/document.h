/*
 * The OpenAPI 3.1 document of a service: a walk over its endpoint table.
 */
#ifndef COMMON_OPENAPI_DOCUMENT_H
#define COMMON_OPENAPI_DOCUMENT_H

#include "common/base/arena.h"
#include "common/base/text.h"
#include "common/table/api.h"

/* The document as JSON in the arena; null when memory is exhausted. */
struct text openapi_document(struct arena *arena, const struct api *api);

#endif
