#include "common/openapi/document.h"

#include "common/base/declare.h"
#include "common/json/writer.h"
#include "common/openapi/errors.h"
#include "common/openapi/schema.h"
#include "common/table/router.h"

#define SHAPES_MAX 64 /* the most different shapes of one service */

/* The headers that operations use. */
#define PARAMETERS                                                                                           \
    "\"IdempotencyKey\":{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"required\":false,"                 \
    "\"description\":\"The same request sent again under this key within a day gets the first answer "       \
    "again.\","                                                                                              \
    "\"schema\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255}},"                                   \
    "\"IfNoneMatch\":{\"name\":\"If-None-Match\",\"in\":\"header\",\"required\":false,"                      \
    "\"description\":\"ETags that the client has; 304 where the answer is one of them.\","                   \
    "\"schema\":{\"type\":\"string\"}}"

struct walk {
    struct writer w;
    const struct api *api;
    struct {
        const struct shape *shape;
        enum schema_place place;
        bool listed,
            refused; /* there is also a schema of a list of it; of the same answer to what is refused */
    } shapes[SHAPES_MAX];
    size_t shape_count;
};

/* Records a shape, and those inside it, for the components. */
static void note_shape(struct walk *walk, const struct shape *shape, enum schema_place place)
{
    if (!shape)
        return;
    for (size_t i = 0; i < walk->shape_count; i++)
        if (walk->shapes[i].shape == shape)
            return;
    if (walk->shape_count == SHAPES_MAX) {
        walk->w.failed = true;
        return;
    }
    walk->shapes[walk->shape_count].shape = shape;
    walk->shapes[walk->shape_count++].place = place;
    for (size_t i = 0; i < shape->count; i++)
        note_shape(walk, shape->fields[i].of, shape->fields[i].type == FIELD_MAP ? SCHEMA_OUT_NAMED : place);
}

/* Records the shapes of an endpoint. */
static void note_endpoint(struct walk *walk, const struct endpoint *e)
{
    note_shape(walk, e->body_in, SCHEMA_IN);
    note_shape(walk, e->answer, SCHEMA_OUT);
    note_shape(walk, e->preview, SCHEMA_OUT);
    for (size_t i = 0; i < walk->shape_count; i++) {
        const struct shape *shape = walk->shapes[i].shape;
        walk->shapes[i].listed |= (e->flags & ENDPOINT_BATCH && shape == e->body_in) ||
                                  (e->flags & ENDPOINT_LIST && shape == e->answer);
        walk->shapes[i].refused |= e->flags & ENDPOINT_BATCH && shape == e->answer;
    }
}

/* Refers to the headers that an operation uses, in the components' parameters. */
static void write_header_parameters(struct writer *w, const struct endpoint *e, bool first)
{
    const char *name = e->flags & ENDPOINT_CREATES  ? "IdempotencyKey"
                       : e->flags & ENDPOINT_TAGGED ? "IfNoneMatch"
                                                    : NULL;

    if (name) {
        write_text(w, first ? TEXT(",\"parameters\":[") : TEXT(","));
        schema_reference(w, "parameters", name);
    }
    if (name || !first)
        write_char(w, ']');
}

static void write_parameters(struct writer *w, const struct endpoint *e)
{
    const struct {
        const struct shape *shape;
        const char *in;
    } places[] = {{e->path_in, "path"}, {e->query_in, "query"}};
    bool first = true;

    for (size_t p = 0; p < 2; p++) {
        for (size_t i = 0; places[p].shape && i < places[p].shape->count; i++) {
            const struct field *f = &places[p].shape->fields[i];
            write_text(w, first ? TEXT(",\"parameters\":[{\"name\":") : TEXT(",{\"name\":"));
            first = false;
            write_json_text(w, text_of(f->name));
            schema_member(w, "in", places[p].in);
            write_text(w,
                       f->flags & FIELD_REQUIRED ? TEXT(",\"required\":true") : TEXT(",\"required\":false"));
            if (f->help)
                schema_member(w, "description", f->help);
            write_literal(w, ",\"schema\":");
            schema_of_field(w, f, SCHEMA_IN);
            write_char(w, '}');
        }
    }
    write_header_parameters(w, e, first);
}

/* `"content":{…}` of a shape, or of a list of it, with its example. */
static void write_content(struct writer *w, const struct shape *shape, enum schema_place place, bool list)
{
    write_literal(w, "\"content\":{\"application/json\":{\"schema\":");
    schema_reference_kind(w, shape->name, list ? SCHEMA_LIST : SCHEMA_ONE);
    write_text(w, list ? TEXT(",\"example\":[") : TEXT(",\"example\":"));
    schema_example(w, shape, place);
    write_text(w, list ? TEXT("]}}") : TEXT("}}"));
}

/* Objects, one per line: for generators of clients a string. OpenAPI 3.2 will say `itemSchema` for what a
 * line is. */
static void write_lines(struct writer *w, const struct shape *shape, enum schema_place place)
{
    struct writer example = writer_start(w->arena);

    schema_example(&example, shape, place);
    write_literal(&example, "\n");
    w->failed |= example.failed;
    write_literal(w, "\"application/x-ndjson\":{\"schema\":{\"type\":\"string\"},\"x-itemSchema\":");
    schema_reference(w, "schemas", shape->name);
    write_literal(w, ",\"example\":");
    write_json_text(w, (struct text){example.at, example.len});
    write_char(w, '}');
}

static void write_body(struct writer *w, const struct endpoint *e)
{
    bool many = e->flags & ENDPOINT_BATCH;

    write_literal(w, ",\"requestBody\":{\"required\":true,");
    write_content(w, e->body_in, SCHEMA_IN, many);
    if (many) {
        w->len--; /* the content continues */
        write_char(w, ',');
        write_lines(w, e->body_in, SCHEMA_IN);
        write_char(w, '}');
    }
    write_char(w, '}');
}

/* An export: an object of the shape per line, or CSV with its members as columns. */
static void write_export(struct writer *w, const struct shape *shape, bool csv)
{
    write_literal(w, "\"content\":{");
    write_lines(w, shape, SCHEMA_OUT);
    if (csv)
        write_literal(w, ",\"text/csv; charset=utf-8\":{\"schema\":{\"type\":\"string\"}}");
    write_char(w, '}');
}

static void write_answer(struct writer *w, const struct endpoint *e, int status, const char *help)
{
    write_char(w, '"');
    write_int(w, status);
    write_literal(w, "\":{\"description\":");
    write_json_text(w, text_of(help));
    write_char(w, ',');
    if (e->flags & (ENDPOINT_EXPORT | ENDPOINT_LINES))
        write_export(w, e->answer, e->flags & ENDPOINT_EXPORT);
    else
        write_content(w, e->answer, SCHEMA_OUT, e->flags & ENDPOINT_LIST);
    write_char(w, '}');
}

/* The answer to many items is the same whether some or all have failed, if the body itself is valid. */
static void write_answers_of_many(struct writer *w, const struct endpoint *e)
{
    write_char(w, ',');
    write_answer(w, e, 207, "Some items failed, some did not.");
    write_literal(w, ",\"422\":{\"description\":\"Nothing is stored, or the body is no list of items.\","
                     "\"content\":{\"application/json\":{\"schema\":");
    schema_reference_kind(w, e->answer->name, SCHEMA_REFUSED);
    write_literal(w, "}}}");
}

static void write_preview(struct writer *w, const struct shape *shape)
{
    write_literal(w, ",\"200\":{\"description\":");
    write_json_text(w, text_of(shape->help));
    write_char(w, ',');
    write_content(w, shape, SCHEMA_OUT, 0);
    write_char(w, '}');
}

static void write_responses(struct writer *w, const struct endpoint *e)
{
    write_literal(w, ",\"responses\":{");
    write_answer(w, e, e->status ? e->status : 200, e->answer->help ? e->answer->help : "Done.");
    if (e->flags & ENDPOINT_BATCH)
        write_answers_of_many(w, e);
    if (e->preview)
        write_preview(w, e->preview);
    openapi_write_errors(w, e);
    write_char(w, '}');
}

/* A token is required always, perhaps with a scope, or if AUTH_REQUIRED is on. */
static void write_security(struct writer *w, const struct endpoint *e)
{
    if (e->scope) {
        write_literal(w, ",\"security\":[{\"bearer\":[");
        write_json_text(w, text_of(e->scope));
        write_literal(w, "]}]");
    } else if (endpoint_requires_token(e) || e->flags & ENDPOINT_SERVICE)
        write_literal(w, ",\"security\":[{\"bearer\":[]}]");
    else
        write_text(w, e->flags & ENDPOINT_OPEN ? TEXT(",\"security\":[]")
                                               : TEXT(",\"security\":[{},{\"bearer\":[]}]"));
}

/*
 * Generated clients name a function after this: the words of the summary without articles, list_labs_of_type.
 */
static void write_operation_id(struct writer *w, const struct endpoint *e)
{
    static const struct text articles[] = {TEXT("a"), TEXT("an"), TEXT("the")};
    bool first = true;

    write_literal(w, ",\"operationId\":\"");
    for (const char *at = e->summary; *at;) {
        size_t len = strcspn(at, " ");
        bool article = false;
        for (size_t i = 0; i < COUNT(articles); i++)
            article = article || text_equal_folded((struct text){at, len}, articles[i]);
        if (!article) {
            write_text(w, first ? TEXT("") : TEXT("_"));
            first = false;
            for (size_t i = 0; i < len; i++)
                if (at[i] != '\'')
                    write_char(w, (char)(at[i] | 0x20));
        }
        at += len + (at[len] == ' ');
    }
    write_char(w, '"');
}

static void write_operation(struct walk *walk, const struct endpoint *e)
{
    struct writer *w = &walk->w;

    write_char(w, '"');
    for (const char *c = method_names[e->method]; *c; c++)
        write_char(w, (char)(*c | 0x20));
    write_literal(w, "\":{\"tags\":[");
    write_json_text(w, text_of(e->tag));
    write_char(w, ']');
    schema_member(w, "summary", e->summary);
    if (e->help)
        schema_member(w, "description", e->help);
    write_operation_id(w, e);
    write_security(w, e);
    write_parameters(w, e);
    if (e->body_in)
        write_body(w, e);
    write_responses(w, e);
    write_char(w, '}');
}

static bool is_first_of_path(const struct api *api, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (!(api->endpoints[i].flags & ENDPOINT_HIDDEN) &&
            strcmp(api->endpoints[i].path, api->endpoints[index].path) == 0)
            return false;
    return !(api->endpoints[index].flags & ENDPOINT_HIDDEN);
}

static void write_paths(struct walk *walk)
{
    const struct api *api = walk->api;
    struct writer *w = &walk->w;
    bool first_path = true;

    for (size_t i = 0; i < api->endpoint_count; i++) {
        bool first = true;
        if (!is_first_of_path(api, i))
            continue;
        write_text(w, first_path ? TEXT("") : TEXT(","));
        first_path = false;
        write_json_text(w, text_of(api->endpoints[i].path));
        write_literal(w, ":{");
        for (size_t k = i; k < api->endpoint_count; k++) {
            const struct endpoint *e = &api->endpoints[k];
            if ((e->flags & ENDPOINT_HIDDEN) || strcmp(e->path, api->endpoints[i].path) != 0)
                continue;
            write_text(w, first ? TEXT("") : TEXT(","));
            first = false;
            note_endpoint(walk, e);
            write_operation(walk, e);
        }
        write_char(w, '}');
    }
}

struct text openapi_document(struct arena *arena, const struct api *api)
{
    struct walk walk = {.w = writer_start(arena), .api = api};
    struct writer *w = &walk.w;

    write_literal(w, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":");
    write_json_text(w, text_of(api->title));
    schema_member(w, "description", api->help);
    schema_member(w, "version", api->version);
    write_literal(w, ",\"license\":{\"name\":\"GPL-3.0\",\"identifier\":\"GPL-3.0-only\"}},\"servers\":[{"
                     "\"url\":\".\"}],\"paths\":{");
    write_paths(&walk);
    write_literal(w, "},\"components\":{\"schemas\":{");
    write_text(w, text_of(openapi_error_schemas));
    for (size_t i = 0; i < walk.shape_count; i++) {
        write_char(w, ',');
        schema_component(w, walk.shapes[i].shape, walk.shapes[i].place);
        if (walk.shapes[i].listed)
            schema_component_of_list(w, walk.shapes[i].shape);
        if (walk.shapes[i].refused)
            schema_component_of_refusal(w, walk.shapes[i].shape);
    }
    write_literal(w, "},\"responses\":{");
    write_text(w, text_of(openapi_error_responses));
    write_literal(w, "},\"parameters\":{" PARAMETERS
                     "},\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\","
                     "\"bearerFormat\":\"JWT\"}}}}");
    return w->failed ? TEXT_NULL : (struct text){w->at, w->len};
}
