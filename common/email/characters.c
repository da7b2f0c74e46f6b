#include "common/email/characters.h"

#include <stdlib.h>

#include "common/email/unicode.h"

static int compare_bytes(const void *a, const void *b)
{
    return text_compare(*(const struct text *)a, *(const struct text *)b);
}

/* Orders texts by their bytes, which in UTF-8 is the order of the code points; returns how many differ. */
static size_t sort_unique(struct text *texts, size_t count)
{
    size_t kept = 0;

    qsort(texts, count, sizeof(*texts), compare_bytes);
    for (size_t i = 0; i < count; i++)
        if (!i || !text_equal(texts[i], texts[i - 1]))
            texts[kept++] = texts[i];
    return kept;
}

/* The character as a message shows it: quoted as by Python's repr, or its name if it is not visible. */
static struct text shown(struct arena *arena, struct text character)
{
    struct text rest = character;
    uint32_t c = unicode_next(&rest);

    if (c == '\\')
        return TEXT("\"\\\"");
    if (c == '\'')
        return TEXT("\"'\"");
    if (strchr("LNPS", unicode_category(c)[0]))
        return text_of(arena_printf(arena, "'%.*s'", (int)character.len, character.at));
    char name[UNICODE_NAME_MAX];
    unicode_name(c, name);
    return arena_text(arena, text_of(name));
}

static struct text joined(struct arena *arena, const struct text *texts, size_t count)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += texts[i].len + 2;
    char *list = arena_alloc(arena, len);
    if (!list)
        return TEXT_NULL;
    len = 0;
    for (size_t i = 0; i < count; i++) {
        if (i) {
            list[len++] = ',';
            list[len++] = ' ';
        }
        memcpy(list + len, texts[i].at, texts[i].len);
        len += texts[i].len;
    }
    return (struct text){list, len};
}

struct text characters_listed(struct arena *arena, struct text t, character_test *test,
                              enum characters_order order)
{
    struct text *found = arena_alloc(arena, text_code_points(t) * sizeof(*found));
    size_t count = 0;

    if (!found)
        return TEXT_NULL;
    for (struct text rest = t; rest.len;) {
        const char *at = rest.at;
        if (test(unicode_next(&rest), at == t.at))
            found[count++] = (struct text){at, (size_t)(rest.at - at)};
    }
    count = sort_unique(found, count);
    for (size_t i = 0; i < count; i++) {
        found[i] = shown(arena, found[i]);
        if (!found[i].at)
            return TEXT_NULL;
    }
    if (order == CHARACTERS_AS_SHOWN)
        count = sort_unique(found, count);
    return joined(arena, found, count);
}
