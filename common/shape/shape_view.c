/*
 * Which members of a body a shape sees (shape.h): the others, and those that it keeps as bytes, get no tree.
 */
#include "common/shape/shape.h"

static enum json_see see_member(const void *of, struct text name)
{
    const struct shape *shape = of;

    for (size_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        if (!field->name || !text_equal(text_of(field->name), name))
            continue;
        return field->type == FIELD_TEXTS || field->type == FIELD_INT_MAP ? SEE_ITEMS : SEE_VALUE;
    }
    return SEE_NOTHING;
}

struct json_view shape_view(const struct shape *shape)
{
    return (struct json_view){.member = see_member, .of = shape, .items_most = shape_list_limit()};
}
