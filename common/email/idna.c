#include "common/email/idna.h"

#include <strings.h>

#define IDN2_SKIP_LIBIDN_COMPAT /* the older library's names, of which IDNA_… would collide */
#include <idn2.h>

#include "common/base/declare.h"
#include "common/email/unicode.h"

/*
 * The tables of libidn2 for IDNA2008 are older than those for UTS #46, so it takes newer characters for
 * unassigned ones, and its round trip of an A-label cannot be told otherwise. Both checks are made here
 * instead.
 */
#define FLAGS (IDN2_NONTRANSITIONAL | IDN2_ALLOW_UNASSIGNED | IDN2_NO_ALABEL_ROUNDTRIP)

/* What RFC 5892 allows beyond letters, marks and digits: section 2.6, and 2.7 (in a context). */
static bool is_exception(uint32_t c)
{
    static const uint32_t exceptions[] = {0x00b7, 0x0375, 0x05f3, 0x05f4, 0x06fd, 0x06fe,
                                          0x0f0b, 0x200c, 0x200d, 0x3007, 0x30fb};

    for (size_t i = 0; i < COUNT(exceptions); i++)
        if (c == exceptions[i])
            return true;
    return false;
}

/* RFC 5892, section 2.1; characters that are not stable under mapping have been replaced before. */
static bool has_valid_category(uint32_t c)
{
    const char *category = unicode_category(c);

    if (c < 0x80)
        return true;
    switch (category[0]) {
    case 'L':
        return true;
    case 'M':
        return category[1] != 'e';
    default:
        return strcmp(category, "Nd") == 0 || is_exception(c);
    }
}

static bool contains(struct text label, bool (*has)(uint32_t c))
{
    while (label.len)
        if (has(unicode_next(&label)))
            return true;
    return false;
}

static bool is_arabic_digit(uint32_t c)
{
    return c >= 0x0660 && c <= 0x0669;
}

static bool is_extended_arabic_digit(uint32_t c)
{
    return c >= 0x06f0 && c <= 0x06f9;
}

static bool is_japanese(uint32_t c)
{
    return c != 0x30fb && (unicode_in_script(c, "Hiragana") || unicode_in_script(c, "Katakana") ||
                           unicode_in_script(c, "Han"));
}

/*
 * The contextual rules of RFC 5892, appendix A.3 to A.9, which libidn2 leaves to registries; `before` and
 * `after` are 0 at the label's ends.
 */
static bool fits_context(struct text label, uint32_t before, uint32_t c, uint32_t after)
{
    switch (c) {
    case 0x00b7:
        return before == 'l' && after == 'l';
    case 0x0375:
        return after && unicode_in_script(after, "Greek");
    case 0x05f3:
    case 0x05f4:
        return before && unicode_in_script(before, "Hebrew");
    case 0x30fb:
        return contains(label, is_japanese);
    default:
        return !is_arabic_digit(c) || !contains(label, is_extended_arabic_digit);
    }
}

static bool label_is_valid(struct text label)
{
    uint32_t before = 0;

    for (struct text rest = label; rest.len;) {
        uint32_t c = unicode_next(&rest);
        struct text ahead = rest;
        if (!has_valid_category(c) || !fits_context(label, before, c, ahead.len ? unicode_next(&ahead) : 0))
            return false;
        before = c;
    }
    return true;
}

static bool labels_are_valid(struct text domain)
{
    for (;;) {
        const char *dot = memchr(domain.at, '.', domain.len);
        size_t len = dot ? (size_t)(dot - domain.at) : domain.len;
        if (!label_is_valid((struct text){domain.at, len}))
            return false;
        if (!dot)
            return true;
        domain.at += len + 1;
        domain.len -= len + 1;
    }
}

static enum idna_status status_of(int rc)
{
    switch (rc) {
    case IDN2_OK:
        return IDNA_OK;
    case IDN2_MALLOC:
        return IDNA_NO_MEMORY;
    case IDN2_TOO_BIG_LABEL:
    case IDN2_PUNYCODE_BIG_OUTPUT:
        return IDNA_LABEL_TOO_LONG;
    default:
        return IDNA_INVALID;
    }
}

/* Copies a string of libidn2 into the arena, terminated, and frees it. */
static struct text taken_over(struct arena *arena, void *string)
{
    const char *copy = arena_string(arena, text_of(string));

    idn2_free(string);
    return text_of(copy);
}

/* Whether a label begins with `xn---` and has no other hyphen: its Punycode has a delimiter and nothing
 * before it. */
static bool has_stray_delimiter(const char *label)
{
    return strncasecmp(label, "xn---", 5) == 0 && strcspn(label + 5, "-.") == strcspn(label + 5, ".");
}

/*
 * A terminated copy that libidn2 reads as the original's libraries read the name: the capital sharp s becomes
 * a small one, as in UTS #46 since Unicode 15.1 (`ss` in older tables), and a stray delimiter is left out.
 */
static char *prepared(struct arena *arena, struct text domain)
{
    char *copy = arena_string(arena, domain);
    char *out = copy;

    if (!copy)
        return NULL;
    for (const char *in = copy; *in;) {
        if (strncmp(in, "\xe1\xba\x9e", 3) == 0) {
            memcpy(out, "\xc3\x9f", 2);
            in += 3;
            out += 2;
        } else if ((in == copy || in[-1] == '.') && has_stray_delimiter(in)) {
            memmove(out, in, 4);
            in += 5;
            out += 4;
        } else {
            *out++ = *in++;
        }
    }
    *out = '\0';
    return copy;
}

static enum idna_status encode(struct arena *arena, struct text domain, struct text *ascii)
{
    const char *string = prepared(arena, domain);
    uint8_t *encoded;

    if (!string)
        return IDNA_NO_MEMORY;
    enum idna_status status = status_of(idn2_lookup_u8((const uint8_t *)string, &encoded, FLAGS));
    if (status)
        return status;
    *ascii = taken_over(arena, encoded);
    return ascii->at ? IDNA_OK : IDNA_NO_MEMORY;
}

enum idna_status idna_normalise(struct arena *arena, struct text domain, struct text *ascii,
                                struct text *unicode)
{
    enum idna_status status = encode(arena, domain, ascii);
    if (status)
        return status;

    char *decoded;
    status = status_of(idn2_to_unicode_8z8z(ascii->at, &decoded, FLAGS));
    if (status)
        return status;
    *unicode = taken_over(arena, decoded);
    if (!unicode->at)
        return IDNA_NO_MEMORY;

    /*
     * An A-label can encode characters that the mapping would have replaced: encoding it again must give the
     * same label.
     */
    struct text again;
    status = encode(arena, *unicode, &again);
    if (status)
        return status;
    return labels_are_valid(*unicode) && text_equal(again, *ascii) ? IDNA_OK : IDNA_INVALID;
}
