/* The errors in an OpenAPI document: those that an endpoint declares, and those common to its kind. */
#ifndef COMMON_OPENAPI_ERRORS_H
#define COMMON_OPENAPI_ERRORS_H

#include "common/json/writer.h"
#include "common/table/api.h"

/* What the errors refer to, as members of the components' schemas and responses. */
extern const char openapi_error_schemas[], openapi_error_responses[];

/* `,"404":{…},…`: the error responses of an operation. */
void openapi_write_errors(struct writer *w, const struct endpoint *endpoint);

#endif
