#include "common/email/check.h"

#include "common/email/unicode.h"

#define WORD (ATEXT | LOCAL)
static const unsigned char classes[128] = {
    ['0' ... '9'] = WORD | HOST,
    ['A' ... 'Z'] = WORD | HOST,
    ['a' ... 'z'] = WORD | HOST,
    ['-'] = WORD | HOST,
    ['.'] = LOCAL | HOST,
    ['!'] = WORD,
    ['#' ... '\''] = WORD,
    ['*' ... '+'] = WORD,
    ['/'] = WORD,
    ['='] = WORD,
    ['?'] = WORD,
    ['^' ... '`'] = WORD,
    ['{' ... '~'] = WORD,
};

bool class_has(enum character_class class, uint32_t c)
{
    return c >= 0x80 || (classes[c] & class);
}

/* Whether each byte is of the class; those beyond ASCII are. */
bool class_has_all(enum character_class class, struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        if (!class_has(class, (unsigned char)t.at[i]))
            return false;
    return true;
}

bool text_is_ascii(struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        if ((unsigned char)t.at[i] >= 0x80)
            return false;
    return true;
}

bool check_refuse(struct check *check, const char *reason)
{
    check->reason = reason;
    return false;
}

struct text text_lower_cased(struct arena *arena, struct text t)
{
    char *lower = arena_alloc(arena, t.len);

    if (!lower)
        return TEXT_NULL;
    for (size_t i = 0; i < t.len; i++)
        lower[i] = (char)(t.at[i] >= 'A' && t.at[i] <= 'Z' ? t.at[i] | 0x20 : t.at[i]);
    return (struct text){lower, t.len};
}

/* White space and control characters, and a mark that would combine with the character before the text. */
static bool not_safe(uint32_t c, bool first)
{
    char category = unicode_category(c)[0];

    return category == 'Z' || category == 'C' || (category == 'M' && first);
}

bool check_characters(struct check *check, struct text t, character_test *wrong, enum characters_order order,
                      const char *complaint)
{
    struct text list = characters_listed(check->arena, t, wrong, order);

    if (list.at && !list.len)
        return true;
    return check_refuse(
        check, list.at ? arena_printf(check->arena, "%s: %.*s.", complaint, (int)list.len, list.at) : NULL);
}

bool check_safe(struct check *check, struct text t)
{
    return text_is_ascii(t) || check_characters(check, t, not_safe, CHARACTERS_BY_CODE,
                                                "The email address contains unsafe characters");
}
