#include "common/email/unicode.h"

#include <stdio.h>
#include <stdlib.h>
#include <unictype.h>
#include <uniname.h>
#include <uninorm.h>
#include <unistr.h>

_Static_assert(UNICODE_NAME_MAX >= UNINAME_MAX, "a name of libunistring must fit");

uint32_t unicode_next(struct text *rest)
{
    ucs4_t c;
    size_t len = (size_t)u8_mbtouc(&c, (const uint8_t *)rest->at, rest->len);

    rest->at += len;
    rest->len -= len;
    return c;
}

const char *unicode_category(uint32_t c)
{
    return uc_general_category_name(uc_general_category(c));
}

bool unicode_is_space(uint32_t c)
{
    if (c < 0x80)
        return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f);
    return c == 0x85 || unicode_category(c)[0] == 'Z';
}

struct text unicode_trimmed(struct text t)
{
    for (struct text rest = t; rest.len && unicode_is_space(unicode_next(&rest));)
        t = rest;
    while (t.len) {
        size_t last = t.len - 1;
        while (last > 0 && ((unsigned char)t.at[last] & 0xc0) == 0x80)
            last--;
        struct text end = {t.at + last, t.len - last};
        if (!unicode_is_space(unicode_next(&end)))
            break;
        t.len = last;
    }
    return t;
}

void unicode_name(uint32_t c, char name[static UNICODE_NAME_MAX])
{
    if (!unicode_character_name(c, name))
        snprintf(name, UNICODE_NAME_MAX, c < 0xffff ? "U+%04X" : "U+%08X", (unsigned)c);
}

bool unicode_in_script(uint32_t c, const char *script)
{
    const uc_script_t *own = uc_script(c);

    return own && strcmp(own->name, script) == 0;
}

struct text unicode_composed(struct arena *arena, struct text t)
{
    size_t len;
    uint8_t *composed = u8_normalize(UNINORM_NFC, (const uint8_t *)t.at, t.len, NULL, &len);

    if (!composed)
        return TEXT_NULL;
    struct text copy = arena_text(arena, (struct text){(const char *)composed, len});
    free(composed);
    return copy;
}
