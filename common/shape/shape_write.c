/* Prints structs as JSON, by their shapes (shape.h). */
#include <math.h>

#include "common/shape/shape.h"

static void write_rows(struct writer *w, const struct field *field, struct rows rows);

static void write_time_or_null(struct writer *w, struct moment time, enum time_form form)
{
    if (moment_is_null(time))
        write_literal(w, "null");
    else
        write_time(w, time, form);
}

static void write_json_or_null(struct writer *w, struct kept_json json)
{
    write_json_kept(w, json.bytes.at ? json.bytes : TEXT("null"));
}

static void write_int_or_null(struct writer *w, int64_t n)
{
    if (n == INT_NULL)
        write_literal(w, "null");
    else
        write_int(w, n);
}

static void write_float_or_zero(struct writer *w, const struct field *field, double d)
{
    if (isnan(d) && field->flags & FIELD_ZERO)
        write_char(w, '0');
    else
        write_float(w, d);
}

static void write_ints(struct writer *w, struct ints list)
{
    for (size_t i = 0; i < list.count; i++) {
        write_char(w, i ? ',' : '[');
        write_int_or_null(w, list.items[i]);
    }
    write_text(w, !list.items ? TEXT("null") : list.count ? TEXT("]") : TEXT("[]"));
}

static void write_floats(struct writer *w, const struct field *field, struct floats list)
{
    for (size_t i = 0; i < list.count; i++) {
        write_char(w, i ? ',' : '[');
        write_float_or_zero(w, field, list.items[i]);
    }
    write_text(w, !list.items ? TEXT("null") : list.count ? TEXT("]") : TEXT("[]"));
}

static void write_value(struct writer *w, const struct field *field, const char *from)
{
    const void *value = from + field->at;

    switch (field->type) {
    case FIELD_TEXT:
    case FIELD_EMAIL:
        write_json_text(w, *(const struct text *)value);
        break;
    case FIELD_INT:
        write_int_or_null(w, *(const int64_t *)value);
        break;
    case FIELD_BOOL:
        if (*(const int8_t *)value == BOOL_NULL)
            write_literal(w, "null");
        else
            write_bool(w, *(const int8_t *)value);
        break;
    case FIELD_FLOAT:
        write_float_or_zero(w, field, *(const double *)value);
        break;
    case FIELD_TIME_NAIVE:
        write_time_or_null(w, *(const struct moment *)value, TIME_NAIVE);
        break;
    case FIELD_TIME_Z:
        write_time_or_null(w, *(const struct moment *)value, TIME_Z);
        break;
    case FIELD_TIME_OFFSET:
        write_time_or_null(w, *(const struct moment *)value, TIME_OFFSET);
        break;
    case FIELD_TEXTS:
        write_json_texts(w, *(const struct texts *)value);
        break;
    case FIELD_INTS:
        write_ints(w, *(const struct ints *)value);
        break;
    case FIELD_FLOATS:
        write_floats(w, field, *(const struct floats *)value);
        break;
    case FIELD_KEPT_LIST:
    case FIELD_OBJECT:
    case FIELD_INT_MAP:
        write_json_or_null(w, *(const struct kept_json *)value);
        break;
    case FIELD_LIST:
    case FIELD_MAP:
        write_rows(w, field, *(const struct rows *)value);
        break;
    case FIELD_CONST:
        write_text(w, text_of(field->example));
        break;
    case FIELD_IGNORED:
    case FIELD_MEMBERS: /* written by write_object */
        break;
    }
}

/* The text inside the braces of an object. */
static struct text inside(struct kept_json object)
{
    return (struct text){object.bytes.at + 1, object.bytes.len - 2};
}

static bool is_left_out(const struct field *field, const char *from)
{
    const void *value = from + field->at;

    if (!(field->flags & FIELD_OPTIONAL))
        return false;
    switch (field->type) {
    case FIELD_TEXT:
        return !((const struct text *)value)->at;
    case FIELD_INT:
        return *(const int64_t *)value == INT_NULL;
    case FIELD_BOOL:
        return *(const int8_t *)value == BOOL_NULL;
    case FIELD_OBJECT:
    case FIELD_KEPT_LIST:
        return !((const struct kept_json *)value)->bytes.at;
    default:
        return false;
    }
}

/* Writes the fields of a struct from number `first` on. */
static void write_object(struct writer *w, const struct shape *shape, const char *from, size_t first)
{
    char before = '{';

    for (size_t i = first; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        if (field->type == FIELD_IGNORED || is_left_out(field, from))
            continue;
        if (field->type == FIELD_MEMBERS) {
            struct text members = inside(*(const struct kept_json *)(from + field->at));
            if (!members.len)
                continue;
            write_char(w, before);
            write_json_kept(w, members);
            before = ',';
            continue;
        }
        write_char(w, before);
        write_json_text(w, text_of(field->name));
        write_char(w, ':');
        write_value(w, field, from);
        before = ',';
    }
    if (before == '{')
        write_char(w, before);
    write_char(w, '}');
}

/* Writes a list of `of`, or an object of them named by their first field. */
static void write_rows(struct writer *w, const struct field *field, struct rows rows)
{
    const struct shape *of = field->of;
    const char *row = rows.items;

    if (field->type == FIELD_LIST) {
        shape_write_list(w, of, rows);
        return;
    }
    write_char(w, '{');
    for (size_t i = 0; i < rows.count; i++, row += of->size) {
        struct text name = *(const struct text *)(row + of->fields[0].at);
        if (i)
            write_char(w, ',');
        write_json_text(w, name.at ? name : TEXT("null")); /* Python's name for the member None */
        write_char(w, ':');
        write_object(w, of, row, 1);
    }
    write_char(w, '}');
}

void shape_write(struct writer *w, const struct shape *shape, const void *from)
{
    write_object(w, shape, from, 0);
}

void shape_write_items(struct writer *w, const struct shape *shape, struct rows rows, bool first)
{
    const char *row = rows.items;

    for (size_t i = 0; i < rows.count; i++, row += shape->size) {
        if (i || !first)
            write_char(w, ',');
        write_object(w, shape, row, 0);
    }
}

void shape_write_list(struct writer *w, const struct shape *shape, struct rows rows)
{
    write_char(w, '[');
    shape_write_items(w, shape, rows, true);
    write_char(w, ']');
}
