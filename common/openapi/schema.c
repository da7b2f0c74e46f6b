#include "common/openapi/schema.h"

void schema_member(struct writer *w, const char *name, const char *value)
{
    write_char(w, ',');
    write_json_text(w, text_of(name));
    write_char(w, ':');
    write_json_text(w, text_of(value));
}

/* `"$ref":…` */
static void write_reference(struct writer *w, const char *kind, const char *name, const char *suffix)
{
    write_literal(w, "\"$ref\":\"#/components/");
    write_text(w, text_of(kind));
    write_char(w, '/');
    write_text(w, text_of(name));
    write_text(w, text_of(suffix));
    write_char(w, '"');
}

void schema_reference(struct writer *w, const char *kind, const char *name)
{
    write_char(w, '{');
    write_reference(w, kind, name, "");
    write_char(w, '}');
}

static const char *const suffixes[] = {
    [SCHEMA_ONE] = "", [SCHEMA_LIST] = "List", [SCHEMA_REFUSED] = "Refused"};

void schema_reference_kind(struct writer *w, const char *name, enum schema_kind kind)
{
    write_char(w, '{');
    write_reference(w, "schemas", name, suffixes[kind]);
    write_char(w, '}');
}

/* Input must fit the column; an id in a path, and output, may have 64 bits. */
static void write_bounds(struct writer *w, const struct field *f, enum schema_place place)
{
    bool any = f->min || f->max;

    if (place != SCHEMA_IN || f->min == INT64_MIN) {
        write_literal(w, ",\"format\":\"int64\"");
        return;
    }
    write_literal(w, ",\"minimum\":");
    write_int(w, any ? f->min : INT32_LOW);
    if (any && f->max == INT64_MAX)
        return;
    write_literal(w, ",\"maximum\":");
    write_int(w, any ? f->max : INT32_HIGH);
}

/* The items of a list or map; in a list that is marked so, some may be null. */
static void write_items(struct writer *w, const struct field *f)
{
    bool list = f->type == FIELD_LIST || f->type == FIELD_KEPT_LIST;
    bool null = f->type == FIELD_LIST && f->flags & FIELD_NULLABLE;

    write_text(w, list ? TEXT(",\"items\":") : TEXT(",\"additionalProperties\":"));
    if (null)
        write_literal(w, "{\"anyOf\":[");
    schema_reference(w, "schemas", f->of->name);
    if (null)
        write_literal(w, ",{\"type\":\"null\"}]}");
}

/* An object of another shape. */
static void write_of(struct writer *w, const struct field *f)
{
    if (!(f->flags & FIELD_NULLABLE)) {
        write_reference(w, "schemas", f->of->name, "");
        return;
    }
    write_literal(w, "\"anyOf\":[");
    schema_reference(w, "schemas", f->of->name);
    write_literal(w, ",{\"type\":\"null\"}]");
}

static void write_choices(struct writer *w, const char *const *choices)
{
    write_literal(w, ",\"enum\":[");
    for (size_t i = 0; choices[i]; i++) {
        write_text(w, i ? TEXT(",") : TEXT(""));
        write_json_text(w, text_of(choices[i]));
    }
    write_char(w, ']');
}

/* The keywords of the type, `"type"` first. */
static void write_type(struct writer *w, const struct field *f, enum schema_place place)
{
    static const char *const types[] = {
        [FIELD_TEXT] = "string",   [FIELD_EMAIL] = "string",       [FIELD_INT] = "integer",
        [FIELD_BOOL] = "boolean",  [FIELD_FLOAT] = "number",       [FIELD_TIME_NAIVE] = "string",
        [FIELD_TIME_Z] = "string", [FIELD_TIME_OFFSET] = "string", [FIELD_TEXTS] = "array",
        [FIELD_OBJECT] = "object", [FIELD_INT_MAP] = "object",     [FIELD_LIST] = "array",
        [FIELD_MAP] = "object",    [FIELD_KEPT_LIST] = "array",    [FIELD_INTS] = "array",
        [FIELD_FLOATS] = "array",
    };
    bool null = f->flags & FIELD_NULLABLE && f->type != FIELD_LIST;

    write_literal(w, "\"type\":");
    write_text(w, null ? TEXT("[\"") : TEXT("\""));
    write_text(w, text_of(types[f->type]));
    write_text(w, null ? TEXT("\",\"null\"]") : TEXT("\""));
    if (f->type == FIELD_INT)
        write_bounds(w, f, place);
    if (f->type == FIELD_EMAIL)
        write_literal(w, ",\"format\":\"email\"");
    if (f->type == FIELD_TIME_Z || f->type == FIELD_TIME_OFFSET)
        write_literal(w, ",\"format\":\"date-time\"");
    if (f->flags & FIELD_MIXED)
        write_literal(w, ",\"items\":{\"type\":[\"string\",\"integer\"]}");
    if ((f->type == FIELD_TEXTS || f->type == FIELD_KEPT_LIST) && null &&
        place != SCHEMA_IN) /* a list that may be null may have null items */
        write_literal(w, ",\"items\":{\"type\":[\"string\",\"null\"]}");
    else if (f->type == FIELD_TEXTS || (f->type == FIELD_KEPT_LIST && !f->of && !(f->flags & FIELD_MIXED)))
        write_literal(w, ",\"items\":{\"type\":\"string\"}");
    if (f->type == FIELD_INTS)
        write_literal(w, ",\"items\":{\"type\":\"integer\",\"format\":\"int64\"}");
    if (f->type == FIELD_FLOATS)
        write_literal(w, ",\"items\":{\"type\":\"number\"}");
    if (f->type == FIELD_OBJECT) /* any members: generators of clients keep them only if this says so */
        write_literal(w, ",\"additionalProperties\":true");
    if (f->type == FIELD_INT_MAP)
        write_literal(w, ",\"additionalProperties\":{\"type\":\"integer\"}");
    if (f->limit && f->type != FIELD_TEXTS) {
        write_literal(w, ",\"maxLength\":");
        write_int(w, (int64_t)f->limit);
    }
    if (f->choices)
        write_choices(w, f->choices);
    if (f->of)
        write_items(w, f);
}

/*
 * Generators of clients support only constants that are strings; the contents of a constant list are given as
 * an example.
 */
static void write_const(struct writer *w, const struct field *f)
{
    struct text value = text_of(f->example);

    if (value.len && value.at[0] == '[')
        write_literal(w, "\"type\":\"array\",\"items\":{\"type\":\"string\"},\"examples\":[");
    else
        write_literal(w, "\"type\":\"string\",\"const\":");
    write_text(w, value);
    if (value.len && value.at[0] == '[')
        write_char(w, ']');
}

void schema_of_field(struct writer *w, const struct field *f, enum schema_place place)
{
    write_char(w, '{');
    if (f->type == FIELD_CONST) {
        write_const(w, f);
    } else if (f->type == FIELD_IGNORED) {
        write_literal(w, "\"title\":");
        write_json_text(w, text_of(f->name));
    } else if (f->type == FIELD_OBJECT && f->of) {
        write_of(w, f);
    } else {
        write_type(w, f, place);
    }
    if (f->help)
        schema_member(w, "description", f->help);
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

static size_t first_inside(enum schema_place place)
{
    return place == SCHEMA_OUT_NAMED ? 1 : 0;
}

static bool is_required(const struct field *f, enum schema_place place)
{
    if (f->type == FIELD_MEMBERS)
        return false;
    return place == SCHEMA_IN ? f->flags & FIELD_REQUIRED : !(f->flags & FIELD_OPTIONAL);
}

static void write_required(struct writer *w, const struct shape *shape, enum schema_place place)
{
    bool first = true;

    for (size_t i = first_inside(place); i < shape->count; i++) {
        if (!is_required(&shape->fields[i], place))
            continue;
        write_text(w, first ? TEXT(",\"required\":[") : TEXT(","));
        write_json_text(w, text_of(shape->fields[i].name));
        first = false;
    }
    if (!first)
        write_char(w, ']');
}

/*
 * Members whose names are not in the shape. Their types are in the help alone: generators of clients would
 * make the members that are in the shape have them too.
 */
static void write_members(struct writer *w, const struct field *f)
{
    write_literal(w, ",\"additionalProperties\":{\"description\":");
    write_json_text(w, text_of(f->help));
    write_char(w, '}');
}

/* The properties of those members whose names are in the shape. */
static void write_properties(struct writer *w, const struct shape *shape, enum schema_place place)
{
    bool first = true;

    write_literal(w, ",\"properties\":{");
    for (size_t i = first_inside(place); i < shape->count; i++) {
        if (shape->fields[i].type == FIELD_MEMBERS)
            continue;
        write_text(w, first ? TEXT("") : TEXT(","));
        first = false;
        write_json_text(w, text_of(shape->fields[i].name));
        write_char(w, ':');
        schema_of_field(w, &shape->fields[i], place);
    }
}

void schema_component(struct writer *w, const struct shape *shape, enum schema_place place)
{
    write_json_text(w, text_of(shape->name));
    write_literal(w, ":{\"type\":\"object\"");
    if (shape->help)
        schema_member(w, "description", shape->help);
    write_properties(w, shape, place);
    write_char(w, '}');
    for (size_t i = first_inside(place); i < shape->count; i++)
        if (shape->fields[i].type == FIELD_MEMBERS)
            write_members(w, &shape->fields[i]);
    write_required(w, shape, place);
    write_char(w, '}');
}

/* `,"Name…":` */
static void begin_component(struct writer *w, const struct shape *shape, enum schema_kind kind)
{
    write_literal(w, ",\"");
    write_text(w, text_of(shape->name));
    write_text(w, text_of(suffixes[kind]));
    write_literal(w, "\":");
}

void schema_component_of_list(struct writer *w, const struct shape *shape)
{
    begin_component(w, shape, SCHEMA_LIST);
    write_literal(w, "{\"type\":\"array\",\"items\":");
    schema_reference(w, "schemas", shape->name);
    write_char(w, '}');
}

void schema_component_of_refusal(struct writer *w, const struct shape *shape)
{
    begin_component(w, shape, SCHEMA_REFUSED);
    write_literal(
        w, "{\"type\":\"object\",\"description\":\"The answer if no item was stored, or `detail` alone if "
           "the body itself is not valid.\"");
    write_properties(w, shape, SCHEMA_OUT);
    write_literal(w, ",\"detail\":");
    schema_reference(w, "schemas", "Faults");
    write_literal(w, "}}");
}

/* A value for a field: its own example, or one composed from the examples of the shape inside it. */
static void write_value(struct writer *w, const struct field *f)
{
    if (f->example) {
        write_text(w, text_of(f->example));
    } else if (f->type == FIELD_LIST || f->type == FIELD_KEPT_LIST) {
        write_char(w, '[');
        schema_example(w, f->of, SCHEMA_OUT);
        write_char(w, ']');
    } else if (f->type == FIELD_MAP) {
        write_char(w, '{');
        write_text(w, text_of(f->of->fields[0].example));
        write_char(w, ':');
        schema_example(w, f->of, SCHEMA_OUT_NAMED);
        write_char(w, '}');
    } else {
        schema_example(w, f->of, SCHEMA_OUT);
    }
}

void schema_example(struct writer *w, const struct shape *shape, enum schema_place place)
{
    char before = '{';

    for (size_t i = first_inside(place); i < shape->count; i++) {
        const struct field *f = &shape->fields[i];
        struct text example = text_of(f->example);
        if (!example.at && !f->of)
            continue;
        write_char(w, before);
        before = ',';
        if (f->type == FIELD_MEMBERS) {
            write_bytes(w, example.at + 1, example.len - 2); /* what is inside of its braces */
            continue;
        }
        write_json_text(w, text_of(f->name));
        write_char(w, ':');
        write_value(w, f);
    }
    if (before == '{')
        write_char(w, before);
    write_char(w, '}');
}
