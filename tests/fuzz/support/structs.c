#include "tests/fuzz/support/structs.h"

#include <math.h>
#include <string.h>

#include "common/base/declare.h"
#include "tests/fuzz/support/fuzz.h"

#define FIELDS_MOST 64 /* of a shape */

static bool is_null(const struct field *field, const void *value)
{
    switch (field->type) {
    case FIELD_TEXT:
    case FIELD_EMAIL:
        return !((const struct text *)value)->at;
    case FIELD_INT:
        return *(const int64_t *)value == INT_NULL;
    case FIELD_BOOL:
        return *(const int8_t *)value == BOOL_NULL;
    case FIELD_FLOAT:
        return isnan(*(const double *)value);
    case FIELD_TIME_NAIVE:
    case FIELD_TIME_Z:
    case FIELD_TIME_OFFSET:
        return moment_is_null(*(const struct moment *)value);
    case FIELD_TEXTS:
        return !((const struct texts *)value)->items;
    case FIELD_OBJECT:
    case FIELD_INT_MAP:
    case FIELD_MEMBERS: /* not read where the handler reads the body itself */
        return !((const struct kept_json *)value)->bytes.at;
    default: /* others are not read, or have no null */
        return field->type == FIELD_IGNORED || field->type == FIELD_CONST;
    }
}

static void check_text(const struct field *field, struct text t)
{
    bool chosen = !field->choices;

    HOLDS(text_is_utf8(t) && !memchr(t.at, '\0', t.len));
    HOLDS(text_code_points(t) <= (field->limit ? field->limit : STRUCTS_TEXT));
    for (size_t i = 0; field->choices && field->choices[i]; i++)
        chosen = chosen || text_equal(t, text_of(field->choices[i]));
    HOLDS(chosen);
}

static void check_integer(const struct field *field, int64_t n)
{
    bool bounded = field->min || field->max;

    HOLDS(n >= (bounded ? field->min : INT32_LOW) && n <= (bounded ? field->max : INT32_HIGH));
}

static void check_value(struct arena *arena, const struct field *field, const void *value)
{
    const struct texts *texts = value;

    switch (field->type) {
    case FIELD_TEXT:
    case FIELD_EMAIL:
        check_text(field, *(const struct text *)value);
        break;
    case FIELD_INT:
        check_integer(field, *(const int64_t *)value);
        break;
    case FIELD_BOOL:
        HOLDS(*(const int8_t *)value == 0 || *(const int8_t *)value == 1);
        break;
    case FIELD_TEXTS:
        HOLDS(texts->count <= STRUCTS_LIST);
        for (size_t i = 0; i < texts->count; i++)
            HOLDS(texts->items[i].at && text_is_utf8(texts->items[i]));
        break;
    case FIELD_OBJECT:
    case FIELD_INT_MAP:
    case FIELD_MEMBERS:
        HOLDS(json_type(fuzz_parse(arena, ((const struct kept_json *)value)->bytes)) == JSON_OBJECT);
        break;
    default:
        break;
    }
}

struct text struct_print(struct arena *arena, const struct shape *shape, const void *from)
{
    struct field fields[FIELDS_MOST];
    struct shape present = *shape;
    struct writer w = writer_start(arena);

    HOLDS(shape->count <= FIELDS_MOST);
    present.fields = fields;
    present.count = 0;
    for (size_t i = 0; i < shape->count; i++)
        if (!is_null(&shape->fields[i], (const char *)from + shape->fields[i].at))
            fields[present.count++] = shape->fields[i];
    shape_write(&w, &present, from);
    HOLDS(!w.failed);
    return (struct text){w.at, w.len};
}

void struct_check(struct arena *arena, const struct shape *shape, const void *from)
{
    struct faults faults = faults_start(arena);
    void *again = arena_zalloc(arena, shape->size);

    for (size_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        const void *value = (const char *)from + field->at;
        if (!is_null(field, value))
            check_value(arena, field, value);
        else if (field->flags & FIELD_REQUIRED && field->type != FIELD_IGNORED)
            HOLDS(field->flags & FIELD_NULLABLE);
    }
    struct text once = struct_print(arena, shape, from);
    HOLDS(again && shape_read_json(shape, arena, fuzz_parse(arena, once), again, &faults));
    HOLDS(!faults.count || memmem(faults.out.at, faults.out.len, "\"missing\"", 9));
    if (!faults.count)
        HOLDS(text_equal(struct_print(arena, shape, again), once));
}
