#include "common/openapi.h"

#include "common/router.h"
#include "common/writer.h"

#define SHAPES_MAX 64 /* different shapes of one service */

struct walk {
    struct writer w;
    const struct api *api;
    const struct shape *shapes[SHAPES_MAX];
    size_t shape_count;
};

static void write_member(struct writer *w, const char *name, const char *value)
{
    write_char(w, ',');
    write_json_text(w, text_of(name));
    write_char(w, ':');
    write_json_text(w, text_of(value));
}

/* Remembers a shape, and those inside it, for the components. */
static void note_shape(struct walk *walk, const struct shape *shape)
{
    if (!shape)
        return;
    for (size_t i = 0; i < walk->shape_count; i++)
        if (walk->shapes[i] == shape)
            return;
    if (walk->shape_count == SHAPES_MAX) {
        walk->w.failed = true;
        return;
    }
    walk->shapes[walk->shape_count++] = shape;
    for (size_t i = 0; i < shape->count; i++)
        note_shape(walk, shape->fields[i].of);
}

static void write_reference(struct writer *w, const struct shape *shape)
{
    write_literal(w, "{\"$ref\":\"#/components/schemas/");
    write_text(w, text_of(shape->name));
    write_literal(w, "\"}");
}

static void write_bounds(struct writer *w, const struct field *f)
{
    bool any = f->min || f->max;

    write_literal(w, ",\"minimum\":");
    write_int(w, any ? f->min : INT32_LOW);
    if (any && f->max == INT64_MAX)
        return;
    write_literal(w, ",\"maximum\":");
    write_int(w, any ? f->max : INT32_HIGH);
}

/* The type's own keywords, after a leading `"type":`. */
static void write_type(struct writer *w, const struct field *f)
{
    static const char *const types[] = {
        [FIELD_TEXT] = "string",   [FIELD_EMAIL] = "string",       [FIELD_INT] = "integer",
        [FIELD_BOOL] = "boolean",  [FIELD_FLOAT] = "number",       [FIELD_TIME_NAIVE] = "string",
        [FIELD_TIME_Z] = "string", [FIELD_TIME_OFFSET] = "string", [FIELD_TEXTS] = "array",
        [FIELD_OBJECT] = "object", [FIELD_INT_MAP] = "object",     [FIELD_LIST] = "array",
        [FIELD_MAP] = "object",
    };
    bool null = f->flags & FIELD_NULLABLE;

    write_literal(w, "\"type\":");
    write_text(w, null ? TEXT("[\"") : TEXT("\""));
    write_text(w, text_of(types[f->type]));
    write_text(w, null ? TEXT("\",\"null\"]") : TEXT("\""));
    if (f->type == FIELD_INT)
        write_bounds(w, f);
    if (f->type == FIELD_EMAIL)
        write_literal(w, ",\"format\":\"email\"");
    if (f->type == FIELD_TIME_Z || f->type == FIELD_TIME_OFFSET)
        write_literal(w, ",\"format\":\"date-time\"");
    if (f->type == FIELD_TEXTS)
        write_literal(w, ",\"items\":{\"type\":\"string\"}");
    if (f->type == FIELD_INT_MAP)
        write_literal(w, ",\"additionalProperties\":{\"type\":\"integer\"}");
    if (f->limit && f->type != FIELD_TEXTS) {
        write_literal(w, ",\"maxLength\":");
        write_int(w, (int64_t)f->limit);
    }
    if (f->of) {
        write_text(w, f->type == FIELD_LIST ? TEXT(",\"items\":") : TEXT(",\"additionalProperties\":"));
        write_reference(w, f->of);
    }
}

/* The schema of a field; `input` adds what only holds for what comes in. */
static void write_schema(struct writer *w, const struct field *f)
{
    write_char(w, '{');
    if (f->type == FIELD_CONST) {
        write_literal(w, "\"const\":");
        write_text(w, text_of(f->example));
    } else if (f->type == FIELD_IGNORED) {
        write_literal(w, "\"title\":");
        write_json_text(w, text_of(f->name));
    } else if (f->type == FIELD_OBJECT && f->of) {
        write_literal(w, "\"anyOf\":[");
        write_reference(w, f->of);
        write_text(w, f->flags & FIELD_NULLABLE ? TEXT(",{\"type\":\"null\"}]") : TEXT("]"));
    } else {
        write_type(w, f);
    }
    if (f->help)
        write_member(w, "description", f->help);
    if (f->fallback) {
        write_literal(w, ",\"default\":");
        write_text(w, text_of(f->fallback));
    }
    if (f->example && f->type != FIELD_CONST) {
        write_literal(w, ",\"examples\":[");
        write_text(w, text_of(f->example));
        write_char(w, ']');
    }
    write_char(w, '}');
}

/* Members that have no names of their own in the shape. */
static void write_members(struct writer *w, const struct field *f)
{
    write_literal(w, ",\"additionalProperties\":{\"type\":[\"string\",\"number\",\"boolean\"");
    write_text(w, f->flags & FIELD_NULLABLE ? TEXT(",\"null\"]") : TEXT("]"));
    write_member(w, "description", f->help);
    write_char(w, '}');
}

static void write_component(struct writer *w, const struct shape *shape)
{
    const struct field *members = NULL;
    bool first = true;

    write_json_text(w, text_of(shape->name));
    write_literal(w, ":{\"type\":\"object\"");
    if (shape->help)
        write_member(w, "description", shape->help);
    write_literal(w, ",\"properties\":{");
    for (size_t i = 0; i < shape->count; i++) {
        if (shape->fields[i].type == FIELD_MEMBERS) {
            members = &shape->fields[i];
            continue;
        }
        write_text(w, first ? TEXT("") : TEXT(","));
        first = false;
        write_json_text(w, text_of(shape->fields[i].name));
        write_char(w, ':');
        write_schema(w, &shape->fields[i]);
    }
    write_char(w, '}');
    if (members)
        write_members(w, members);
    first = true;
    for (size_t i = 0; i < shape->count; i++) {
        if (!(shape->fields[i].flags & FIELD_REQUIRED))
            continue;
        write_text(w, first ? TEXT(",\"required\":[") : TEXT(","));
        write_json_text(w, text_of(shape->fields[i].name));
        first = false;
    }
    write_text(w, first ? TEXT("}") : TEXT("]}"));
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
            write_member(w, "in", places[p].in);
            write_text(w,
                       f->flags & FIELD_REQUIRED ? TEXT(",\"required\":true") : TEXT(",\"required\":false"));
            if (f->help)
                write_member(w, "description", f->help);
            write_literal(w, ",\"schema\":");
            write_schema(w, f);
            write_char(w, '}');
        }
    }
    if (!first)
        write_char(w, ']');
}

static void write_answer(struct writer *w, const struct endpoint *e)
{
    write_char(w, '"');
    write_int(w, e->status ? e->status : 200);
    write_literal(w, "\":{\"description\":\"Good\"");
    if (e->answer) {
        write_literal(w, ",\"content\":{\"application/json\":{\"schema\":");
        if (e->flags & ENDPOINT_LIST)
            write_literal(w, "{\"type\":\"array\",\"items\":");
        write_reference(w, e->answer);
        if (e->flags & ENDPOINT_LIST)
            write_char(w, '}');
        write_literal(w, "}}");
    }
    write_char(w, '}');
}

static void start_error(struct writer *w, int status, const char *description)
{
    write_literal(w, ",\"");
    write_int(w, status);
    write_literal(w, "\":{\"description\":");
    write_json_text(w, text_of(description));
    write_literal(w, ",\"content\":{\"application/json\":{\"schema\":");
}

static void write_error(struct writer *w, int status, const char *description, const char *component)
{
    start_error(w, status, description);
    write_literal(w, "{\"$ref\":\"#/components/schemas/");
    write_text(w, text_of(component));
    write_literal(w, "\"}}}}");
}

/* Where errors of one status are named by different members, each is one that may be there. */
static void write_error_members(struct writer *w, const struct endpoint *e, int status,
                                const char *description)
{
    const char *members[ENDPOINT_FAILURES];
    size_t count = 0;

    for (size_t i = 0; i < ENDPOINT_FAILURES && e->failures[i].status; i++) {
        const char *member = e->failures[i].member ? e->failures[i].member : "detail";
        bool seen = e->failures[i].status != status;
        for (size_t k = 0; k < count; k++)
            seen = seen || strcmp(members[k], member) == 0;
        if (!seen)
            members[count++] = member;
    }
    if (count == 1 && strcmp(members[0], "detail") == 0) {
        write_error(w, status, description, "Error");
        return;
    }
    start_error(w, status, description);
    write_literal(w, "{\"type\":\"object\",\"properties\":{");
    for (size_t i = 0; i < count; i++) {
        write_text(w, i ? TEXT(",") : TEXT(""));
        write_json_text(w, text_of(members[i]));
        write_literal(w, ":{\"type\":\"string\"}");
    }
    write_literal(w, "},\"minProperties\":1}}}}");
}

/* Failures of one status are one response whose description names them all. */
static void write_failures(struct walk *walk, const struct endpoint *e)
{
    for (size_t i = 0; i < ENDPOINT_FAILURES && e->failures[i].status; i++) {
        int status = e->failures[i].status;
        struct writer all = writer_start(walk->w.arena);
        bool seen = false;
        for (size_t k = 0; k < i; k++)
            seen = seen || e->failures[k].status == status;
        if (seen)
            continue;
        for (size_t k = i; k < ENDPOINT_FAILURES && e->failures[k].status; k++) {
            if (e->failures[k].status != status)
                continue;
            write_text(&all, all.len ? TEXT("; ") : TEXT(""));
            write_text(&all, text_of(e->failures[k].detail));
        }
        write_char(&all, '\0');
        walk->w.failed = walk->w.failed || all.failed;
        if (!all.failed)
            write_error_members(&walk->w, e, status, all.at);
    }
}

/* A token is asked always, or where AUTH_REQUIRED is on. */
static void write_security(struct writer *w, const struct endpoint *e)
{
    if (e->flags & ENDPOINT_TOKEN)
        write_literal(w, ",\"security\":[{\"bearer\":[]}]");
    else if (!(e->flags & ENDPOINT_OPEN))
        write_literal(w, ",\"security\":[{},{\"bearer\":[]}]");
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
    write_member(w, "summary", e->summary);
    if (e->help)
        write_member(w, "description", e->help);
    write_security(w, e);
    write_parameters(w, e);
    if (e->body_in) {
        write_literal(w,
                      ",\"requestBody\":{\"required\":true,\"content\":{\"application/json\":{\"schema\":");
        write_reference(w, e->body_in);
        write_literal(w, "}}}");
    }
    write_literal(w, ",\"responses\":{");
    write_answer(w, e);
    write_failures(walk, e);
    if (!(e->flags & ENDPOINT_OPEN))
        write_error(w, 401, "A good token is asked for", "TokenError");
    if (e->flags & ENDPOINT_TOKEN)
        write_error(w, 403, "The token does not reach this user", "TokenError");
    if (!(e->flags & ENDPOINT_LENIENT) && (e->path_in || e->query_in || e->body_in))
        write_error(w, 422, "The input is not valid", "ValidationError");
    if (!(e->flags & ENDPOINT_DIRECT))
        write_error(w, 503, "The service cannot answer now", "Error");
    write_literal(w, "}}");
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
            note_shape(walk, e->body_in);
            note_shape(walk, e->answer);
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
    write_member(w, "description", api->help);
    write_member(w, "version", api->version);
    write_literal(w, ",\"license\":{\"name\":\"GPL-3.0\",\"identifier\":\"GPL-3.0-only\"}},\"paths\":{");
    write_paths(&walk);
    write_literal(
        w,
        "},\"components\":{\"schemas\":{"
        "\"Error\":{\"type\":\"object\",\"properties\":{\"detail\":{\"type\":\"string\"}},"
        "\"required\":[\"detail\"]},"
        "\"TokenError\":{\"type\":\"object\",\"properties\":{\"message\":{\"type\":\"string\"}},"
        "\"required\":[\"message\"]},"
        "\"ValidationError\":{\"type\":\"object\",\"properties\":{\"detail\":{\"anyOf\":["
        "{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Fault\"}}]}},"
        "\"required\":[\"detail\"]},"
        "\"Fault\":{\"type\":\"object\",\"properties\":{\"type\":{\"type\":\"string\"},"
        "\"loc\":{\"type\":\"array\",\"items\":{\"type\":[\"string\",\"integer\"]}},"
        "\"msg\":{\"type\":\"string\"},\"input\":{},\"ctx\":{\"type\":\"object\"}},"
        "\"required\":[\"type\",\"loc\",\"msg\",\"input\"]}");
    for (size_t i = 0; i < walk.shape_count; i++) {
        write_char(w, ',');
        write_component(w, walk.shapes[i]);
    }
    write_literal(w, "},\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\","
                     "\"bearerFormat\":\"JWT\"}}}}");
    return w->failed ? TEXT_NULL : (struct text){w->at, w->len};
}
