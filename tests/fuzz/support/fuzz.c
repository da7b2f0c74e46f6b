#include "tests/fuzz/support/fuzz.h"

#include <string.h>

struct text fuzz_take(struct text *left, char separator)
{
    const char *end = left->len ? memchr(left->at, separator, left->len) : NULL;
    struct text taken = {left->at, end ? (size_t)(end - left->at) : left->len};
    size_t passed = taken.len + (end ? 1 : 0);

    *left = (struct text){left->at + passed, left->len - passed};
    return taken;
}

unsigned fuzz_byte(struct text *left)
{
    if (!left->len)
        return 0;
    left->len--;
    return (unsigned char)*left->at++;
}

const struct json *fuzz_parse(struct arena *arena, struct text bytes)
{
    const struct json *value;
    struct json_error error;

    HOLDS(json_parse(arena, bytes, &value, &error) == JSON_OK);
    return value;
}

bool fuzz_is_json(struct text bytes)
{
    struct arena arena = {0};
    const struct json *value;
    struct json_error error;

    if (memmem(bytes.at, bytes.len, "\\u", 2))
        return text_is_utf8(bytes);
    bool is_json = json_parse(&arena, bytes, &value, &error) == JSON_OK;
    arena_free(&arena);
    return is_json;
}

char *fuzz_string(struct text t)
{
    char *string = malloc(t.len + 1);

    HOLDS(string);
    if (t.len)
        memcpy(string, t.at, t.len);
    string[t.len] = '\0';
    return string;
}
