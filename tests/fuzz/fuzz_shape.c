/*
 * What a shape takes from a body or a query it prints so that it takes it again, the same; what it does not
 * take it answers with JSON.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/email/email.h"
#include "common/shape/declare.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* No field here is an address. */
bool email_normalise(struct arena *arena, struct text input, struct text *normal, const char **reason)
{
    (void)arena, (void)input, (void)normal, (void)reason;
    abort();
}

struct sample {
    struct text text;
    int64_t number;
    int8_t flag;
    struct texts texts;
    struct kept_json numbers;
    struct kept_json object;
};

#define OF struct sample
static const struct field fields[] = {
    FIELD_NAMED(TEXT, "s", text, .flags = FIELD_REQUIRED, .limit = 9),
    FIELD_NAMED(INT, "i", number, .fallback = "7"),
    FIELD_NAMED(BOOL, "b", flag, .fallback = "true"),
    FIELD_NAMED(TEXTS, "l", texts, .fallback = "[]"),
    FIELD_NAMED(INT_MAP, "m", numbers, .fallback = "{}"),
    FIELD_NAMED(OBJECT, "o", object, .fallback = "{}"),
};
static const struct shape shape = SHAPE("Sample", NULL, fields);
#undef OF

/* Parses what is JSON by all means. */
static const struct json *parse(struct arena *arena, struct text bytes)
{
    const struct json *value;
    struct json_error error;

    if (json_parse(arena, bytes, &value, &error) != JSON_OK)
        abort();
    return value;
}

static struct text print(struct arena *arena, const struct sample *sample)
{
    struct writer w = writer_start(arena);

    shape_write(&w, &shape, sample);
    if (w.failed)
        abort();
    return (struct text){w.at, w.len};
}

/* A sample without faults survives the way out and in again; faults make a list. */
static void check(struct arena *arena, const struct sample *sample, const struct faults *faults)
{
    if (faults->out.failed)
        abort();
    if (faults->count) {
        struct writer list = writer_start(arena);
        write_char(&list, '[');
        write_bytes(&list, faults->out.at, faults->out.len);
        write_char(&list, ']');
        parse(arena, (struct text){list.at, list.len});
        return;
    }
    struct text once = print(arena, sample);
    struct sample again = {0};
    struct faults none = faults_start(arena);
    if (!shape_read_json(&shape, arena, parse(arena, once), &again, &none) || none.count)
        abort();
    if (!text_equal(print(arena, &again), once))
        abort();
}

static void read_body(struct arena *arena, struct text body)
{
    struct sample sample = {0};
    struct faults faults = faults_start(arena);
    struct json_error error;
    const struct json *value;

    switch (json_parse(arena, body, &value, &error)) {
    case JSON_OK:
        if (!shape_read_json(&shape, arena, value, &sample, &faults))
            abort();
        break;
    case JSON_INVALID:
        faults_add_invalid_json(&faults, &error);
        break;
    default:
        if (memchr(body.at, '\0', body.len))
            return; /* echoed as \u0000, which is JSON, but not to the parser */
        faults_add_not_json(&faults, body);
    }
    check(arena, &sample, &faults);
}

/* The text is the value of each field in turn, in a query without lists and objects. */
static void read_query(struct arena *arena, struct text value)
{
    const struct named_text texts[] = {{TEXT("s"), value}, {TEXT("i"), value}, {TEXT("b"), value}};

    for (size_t i = 0; i < 3; i++) {
        struct named_text pair[] = {{TEXT("s"), TEXT("")}, texts[i]};
        struct sample sample = {0};
        struct faults faults = faults_start(arena);
        if (!shape_read_texts(&shape, arena, pair, 2, FAULT_QUERY, &sample, &faults))
            abort();
        check(arena, &sample, &faults);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct arena arena = {0};
    struct text input = {(const char *)bytes, len};

    read_body(&arena, input);
    if (text_is_utf8(input) && !memchr(bytes, '\0', len))
        read_query(&arena, input);
    arena_free(&arena);
    return 0;
}
