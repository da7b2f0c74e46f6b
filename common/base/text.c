#include "common/base/text.h"

#include <stdint.h>

#include "common/base/declare.h"

static unsigned char folded(char c)
{
    unsigned char u = (unsigned char)c;

    return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

int text_compare(struct text a, struct text b)
{
    int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool text_equal_folded(struct text a, struct text b)
{
    if (!a.at || !b.at || a.len != b.len)
        return !a.at && !b.at;
    for (size_t i = 0; i < a.len; i++)
        if (folded(a.at[i]) != folded(b.at[i]))
            return false;
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct text text_trimmed(struct text t)
{
    while (t.len && is_space(t.at[0])) {
        t.at++;
        t.len--;
    }
    while (t.len && is_space(t.at[t.len - 1]))
        t.len--;
    return t;
}

struct text text_take(struct text *list, char separator)
{
    const char *end = list->len ? memchr(list->at, separator, list->len) : NULL;
    struct text taken = {list->at, end ? (size_t)(end - list->at) : list->len};
    size_t passed = taken.len + (end != NULL);

    *list = (struct text){list->at + passed, list->len - passed};
    return taken;
}

size_t text_code_points(struct text t)
{
    size_t n = 0;

    for (size_t i = 0; i < t.len; i++)
        n += ((unsigned char)t.at[i] & 0xc0) != 0x80;
    return n;
}

size_t text_sequence(struct text t, size_t at)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        size_t len;
    } forms[] = {
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    const unsigned char *p = (const unsigned char *)t.at + at;

    for (size_t i = 0; i < COUNT(forms); i++) {
        if (p[0] < forms[i].first_low || p[0] > forms[i].first_high)
            continue;
        if (forms[i].len > t.len - at)
            return 0;
        if (forms[i].len > 1 && (p[1] < forms[i].second_low || p[1] > forms[i].second_high))
            return 0;
        for (size_t k = 2; k < forms[i].len; k++)
            if ((p[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].len;
    }
    return 0;
}

bool text_is_utf8(struct text t)
{
    for (size_t i = 0; i < t.len;) {
        uint64_t eight;
        if (t.len - i >= sizeof(eight)) { /* most text is ASCII */
            memcpy(&eight, t.at + i, sizeof(eight));
            if (!(eight & UINT64_C(0x8080808080808080))) {
                i += sizeof(eight);
                continue;
            }
        }
        size_t len = text_sequence(t, i);
        if (!len)
            return false;
        i += len;
    }
    return true;
}

struct text text_without_mark(struct text t)
{
    static const struct text mark = {"\xef\xbb\xbf", 3};

    if (t.len < mark.len || memcmp(t.at, mark.at, mark.len) != 0)
        return t;
    return (struct text){t.at + mark.len, t.len - mark.len};
}

bool text_has_control(struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        if ((unsigned char)t.at[i] < ' ' || t.at[i] == '\x7f')
            return true;
    return false;
}

bool text_is_base64url(struct text t)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    static const size_t unused_bits[] = {0, 0, 0xf, 0x3}; /* of the last character, by the length modulo 4 */
    size_t last = 0;

    if (!t.len || t.len % 4 == 1)
        return false;
    for (size_t i = 0; i < t.len; i++) {
        const char *at = memchr(alphabet, t.at[i], sizeof(alphabet) - 1);
        if (!at)
            return false;
        last = (size_t)(at - alphabet);
    }
    return !(last & unused_bits[t.len % 4]);
}
