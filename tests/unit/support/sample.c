#include "tests/unit/support/sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/shape/declare.h"

#define OF struct sample
static const struct field sample_fields[] = {
    FIELD(TEXT, name, .flags = FIELD_REQUIRED, .limit = 4),
    FIELD(EMAIL, email, .flags = FIELD_NULLABLE),
    FIELD(INT, count, .flags = FIELD_REQUIRED),
    FIELD(BOOL, good, .flags = FIELD_REQUIRED),
    FIELD(TEXTS, tags, .flags = FIELD_NULLABLE, .fallback = "[]"),
    FIELD(INT_MAP, uses, .fallback = "{}"),
    FIELD(OBJECT, data, .fallback = "{\"x\":1}"),
    FIELD(TEXT, note, .flags = FIELD_NULLABLE, SENT(note_sent)),
    FIELD(INT, small, .min = 0, .max = 9, .fallback = "5"),
    IGNORED("old"),
};
const struct shape sample_shape = SHAPE("Sample", NULL, sample_fields);
#undef OF

int sample_set_up(void **state)
{
    struct sample_fixture *f = *state = calloc(1, sizeof(struct sample_fixture));

    shape_set_limits(&(struct shape_limits){.text = TEXT_LIMIT, .list = LIST_LIMIT});
    return f ? 0 : -1;
}

int sample_tear_down(void **state)
{
    struct sample_fixture *f = *state;

    arena_free(&f->arena);
    free(f);
    return 0;
}

const char *read_body(struct sample_fixture *f, const char *body)
{
    const struct json *value;
    struct json_error error;

    memset(&f->sample, 0, sizeof(f->sample));
    f->faults = faults_start(&f->arena);
    assert_int_equal(json_parse(&f->arena, text_of(body), &value, &error), JSON_OK);
    assert_true(shape_read_json(&sample_shape, &f->arena, value, &f->sample, &f->faults));
    assert_false(f->faults.out.failed);
    return arena_printf(&f->arena, "[%.*s]", (int)f->faults.out.len,
                        f->faults.out.at ? f->faults.out.at : "");
}

const char *read_with(struct sample_fixture *f, const char *name, const char *value)
{
    return read_body(
        f, arena_printf(&f->arena, "{\"name\":\"n\",\"count\":1,\"good\":true,\"%s\":%s}", name, value));
}

void assert_fault(struct sample_fixture *f, const char *name, const char *value, const char *type,
                  const char *message, const char *context)
{
    const char *expected = arena_printf(
        &f->arena, "[{\"type\":\"%s\",\"loc\":[\"body\",\"%s\"],\"msg\":\"%s\",\"input\":%s%s%s}]", type,
        name, message, value, context ? ",\"ctx\":" : "", context ? context : "");

    assert_string_equal(read_with(f, name, value), expected);
}
