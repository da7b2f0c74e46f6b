#include "common/items/csv.h"

#include "common/base/iso8601.h"

static bool is_formula(struct text t)
{
    return t.len && memchr("=+-@\t\r", t.at[0], 6);
}

static void write_string(struct writer *w, struct text t, bool guarded)
{
    bool guard = guarded && is_formula(t);
    bool quote = !t.len || guard;

    for (size_t i = 0; i < t.len && !quote; i++)
        quote = t.at[i] == ',' || t.at[i] == '"' || t.at[i] == '\r' || t.at[i] == '\n';
    if (!quote) {
        write_text(w, t);
        return;
    }
    write_char(w, '"');
    if (guard)
        write_char(w, '\'');
    for (size_t from = 0, i = 0; i <= t.len; i++) {
        if (i < t.len && t.at[i] != '"')
            continue;
        write_bytes(w, t.at + from, i - from);
        if (i < t.len)
            write_literal(w, "\"\"");
        from = i + 1;
    }
    write_char(w, '"');
}

static void write_moment(struct writer *w, struct moment moment, enum time_form form)
{
    char text[TIME_TEXT_MAX];

    if (!moment_is_null(moment))
        write_bytes(w, text, time_print(text, moment, form));
}

/* A list of strings, as JSON text, which is made in `scratch` first. */
static void write_texts(struct writer *w, struct arena *scratch, struct texts list, bool guarded)
{
    struct writer json = writer_start(scratch);

    if (!list.items)
        return;
    write_json_texts(&json, list);
    if (json.failed)
        w->failed = true;
    else
        write_string(w, (struct text){json.at, json.len}, guarded);
}

static void write_value(struct writer *w, struct arena *scratch, const struct field *field, const void *value,
                        bool guarded)
{
    struct text text;

    switch (field->type) {
    case FIELD_INT:
        if (*(const int64_t *)value != INT_NULL)
            write_int(w, *(const int64_t *)value);
        return;
    case FIELD_BOOL:
        if (*(const int8_t *)value != BOOL_NULL)
            write_bool(w, *(const int8_t *)value);
        return;
    case FIELD_TIME_NAIVE:
        write_moment(w, *(const struct moment *)value, TIME_NAIVE);
        return;
    case FIELD_TIME_Z:
        write_moment(w, *(const struct moment *)value, TIME_Z);
        return;
    case FIELD_TEXTS:
        write_texts(w, scratch, *(const struct texts *)value, guarded);
        return;
    case FIELD_TEXT:
        text = *(const struct text *)value;
        break;
    default: /* JSON; a JSON null is an empty field */
        text = ((const struct kept_json *)value)->bytes;
        if (text_equal(text, TEXT("null")))
            return;
        break;
    }
    if (text.at) /* JSON that begins with a minus is a number */
        write_string(w, text, guarded && (field->type == FIELD_TEXT || text.at[0] != '-'));
}

void csv_write_header(struct writer *w, const struct shape *shape)
{
    for (size_t i = 0; i < shape->count; i++) {
        write_text(w, i ? TEXT(",") : TEXT(""));
        write_text(w, text_of(shape->fields[i].name));
    }
    write_literal(w, "\r\n");
}

void csv_write_row(struct writer *w, struct arena *scratch, const struct shape *shape, const void *row,
                   bool guarded)
{
    for (size_t i = 0; i < shape->count; i++) {
        write_text(w, i ? TEXT(",") : TEXT(""));
        write_value(w, scratch, &shape->fields[i], (const char *)row + shape->fields[i].at, guarded);
    }
    write_literal(w, "\r\n");
}
