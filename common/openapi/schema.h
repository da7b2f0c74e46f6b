/*
 * The schemas of an OpenAPI document, and the examples that go with them: walks over shapes.
 */
#ifndef COMMON_OPENAPI_SCHEMA_H
#define COMMON_OPENAPI_SCHEMA_H

#include <stdbool.h>

#include "common/json/writer.h"
#include "common/shape/shape.h"

/* Where a shape is used. An answer has every member, including those that a client may leave out. */
enum schema_place {
    SCHEMA_IN,
    SCHEMA_OUT,
    SCHEMA_OUT_NAMED, /* the value of a FIELD_MAP: its first field is its name and not part of it */
};

/* `,"name":"value"` */
void schema_member(struct writer *w, const char *name, const char *value);

/* `{"$ref":…}` to an entry of the components' `kind` (schemas, responses, parameters). */
void schema_reference(struct writer *w, const char *kind, const char *name);

/* The schemas of a shape: of one, of a list, of the answer where nothing was done, which may have faults
 * instead. */
enum schema_kind { SCHEMA_ONE, SCHEMA_LIST, SCHEMA_REFUSED };

/* `{"$ref":…}` to one of the schemas of the shape of that name. */
void schema_reference_kind(struct writer *w, const char *name, enum schema_kind kind);

/* The schema of one field. */
void schema_of_field(struct writer *w, const struct field *field, enum schema_place place);

/* `"Name":{…}`: the schema of a shape among the components. */
void schema_component(struct writer *w, const struct shape *shape, enum schema_place place);

/* `,"NameList":{…}` and `,"NameRefused":{…}`: its other schemas. */
void schema_component_of_list(struct writer *w, const struct shape *shape);
void schema_component_of_refusal(struct writer *w, const struct shape *shape);

/* An object of the fields' examples; fields without one are left out. */
void schema_example(struct writer *w, const struct shape *shape, enum schema_place place);

#endif
