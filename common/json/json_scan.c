#include "common/json/json_scan.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "common/base/turn.h"

#define SHORT_NUMBER 64 /* bytes of the longest number, with its end, that is copied to the stack */

struct scan {
    struct arena *arena;
    const char *start, *at, *end;
    const char *shared; /* position at which the turn was last shared */
    size_t longest_number;
    enum json_status status; /* of the first fault; all functions then return false */
    struct json_error error;
};

static bool scan_value(struct scan *s, int depth);

static bool stop(struct scan *s, enum json_status status)
{
    s->status = status;
    return false;
}

static bool invalid(struct scan *s, const char *reason, const char *at)
{
    s->error.reason = reason;
    s->error.position = text_code_points((struct text){s->start, (size_t)(at - s->start)});
    return stop(s, JSON_INVALID);
}

static bool is_digit(const struct scan *s, const char *p)
{
    return p < s->end && *p >= '0' && *p <= '9';
}

static bool next_is(const struct scan *s, char c)
{
    return s->at < s->end && *s->at == c;
}

static void skip_space(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
        s->at++;
}

/*
 * The four digits after the `u` that `u` points at. Python requires one more character after them, which a
 * complete string has.
 */
static bool hex_digits(const struct scan *s, const char *u, unsigned *code)
{
    if (s->end - u <= 5)
        return false;
    *code = 0;
    for (int i = 1; i <= 4; i++) {
        char c = u[i];
        unsigned digit;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (unsigned)((c | 0x20) - 'a') + 10;
        else
            return false;
        *code = *code << 4 | digit;
    }
    return true;
}

/* `\uXXXX`, from the `u` on. PostgreSQL can store neither U+0000 nor half a surrogate pair. */
static bool scan_unicode_escape(struct scan *s)
{
    const char *escape = s->at - 1;
    unsigned code, low;

    if (!hex_digits(s, s->at, &code))
        return invalid(s, "Invalid \\uXXXX escape", s->at);
    s->at += 5;
    if (code == 0)
        return invalid(s, "Character U+0000 is not allowed", escape);
    if (code < 0xd800 || code > 0xdfff)
        return true;
    if (code > 0xdbff || s->end - s->at < 2 || s->at[0] != '\\' || s->at[1] != 'u')
        return invalid(s, "Lone surrogate", escape);
    s->at++;
    if (!hex_digits(s, s->at, &low))
        return invalid(s, "Invalid \\uXXXX escape", s->at);
    s->at += 5;
    return (low >= 0xdc00 && low <= 0xdfff) || invalid(s, "Lone surrogate", escape);
}

static bool scan_string(struct scan *s)
{
    const char *quote = s->at++;

    while (s->at < s->end) {
        unsigned char c = (unsigned char)*s->at;
        if (c == '"') {
            s->at++;
            return true;
        }
        if (c < 0x20)
            return invalid(s, "Invalid control character at", s->at);
        s->at++;
        if (c != '\\')
            continue;
        if (s->at == s->end)
            break;
        if (*s->at == 'u') {
            if (!scan_unicode_escape(s))
                return false;
        } else if (*s->at && strchr("\"\\/bfnrt", *s->at)) {
            s->at++;
        } else {
            return invalid(s, "Invalid \\escape", s->at - 1);
        }
    }
    return invalid(s, "Unterminated string starting at", quote);
}

bool json_number(struct arena *arena, struct text number, double *value)
{
    char buffer[SHORT_NUMBER];
    char *terminated = buffer;

    if (number.len < sizeof(buffer)) {
        memcpy(buffer, number.at, number.len);
        buffer[number.len] = '\0';
    } else {
        terminated = arena_string(arena, number);
    }
    if (terminated)
        *value = strtod(terminated, NULL);
    return terminated;
}

/*
 * What follows a number without belonging to it (`01`, `1.`, `1e`) is left to the caller, which refuses it.
 */
static bool scan_number(struct scan *s)
{
    const char *number = s->at;
    const char *p = number + (*number == '-');
    const char *digits = p;
    bool exponent = false, fraction = false;

    if (!is_digit(s, p))
        return invalid(s, "Expecting value", number);
    if (*p == '0')
        p++;
    else
        while (is_digit(s, p))
            p++;
    size_t whole = (size_t)(p - digits);
    if (p < s->end && *p == '.' && is_digit(s, p + 1)) {
        fraction = true;
        for (p += 2; is_digit(s, p);)
            p++;
    }
    if (p < s->end && (*p == 'e' || *p == 'E')) {
        const char *power = p + 1;
        if (power < s->end && (*power == '+' || *power == '-'))
            power++;
        if (is_digit(s, power)) {
            exponent = true;
            for (p = power; is_digit(s, p);)
                p++;
        }
    }
    s->at = p;
    struct text all = {number, (size_t)(p - number)};
    if (all.len > s->longest_number)
        s->longest_number = all.len;
    if (!fraction && !exponent)
        return whole <= JSON_DIGITS || stop(s, JSON_UNREADABLE);
    if (!exponent && whole <= DBL_MAX_10_EXP)
        return true;
    double value;
    if (!json_number(s->arena, all, &value))
        return stop(s, JSON_NO_MEMORY);
    return isfinite(value) || invalid(s, "Number out of range", number);
}

static bool scan_list(struct scan *s, int depth)
{
    s->at++;
    skip_space(s);
    if (next_is(s, ']')) {
        s->at++;
        return true;
    }
    for (;;) {
        if (!scan_value(s, depth))
            return false;
        skip_space(s);
        if (next_is(s, ']')) {
            s->at++;
            return true;
        }
        if (!next_is(s, ','))
            return invalid(s, "Expecting ',' delimiter", s->at);
        const char *comma = s->at++;
        skip_space(s);
        if (next_is(s, ']'))
            return invalid(s, "Illegal trailing comma before end of array", comma);
    }
}

static bool scan_object(struct scan *s, int depth)
{
    s->at++;
    skip_space(s);
    if (next_is(s, '}')) {
        s->at++;
        return true;
    }
    for (;;) {
        if (!next_is(s, '"'))
            return invalid(s, "Expecting property name enclosed in double quotes", s->at);
        if (!scan_string(s))
            return false;
        skip_space(s);
        if (!next_is(s, ':'))
            return invalid(s, "Expecting ':' delimiter", s->at);
        s->at++;
        skip_space(s);
        if (!scan_value(s, depth))
            return false;
        skip_space(s);
        if (next_is(s, '}')) {
            s->at++;
            return true;
        }
        if (!next_is(s, ','))
            return invalid(s, "Expecting ',' delimiter", s->at);
        const char *comma = s->at++;
        skip_space(s);
        if (next_is(s, '}'))
            return invalid(s, "Illegal trailing comma before end of object", comma);
    }
}

static bool scan_word(struct scan *s, struct text word)
{
    if ((size_t)(s->end - s->at) < word.len || memcmp(s->at, word.at, word.len) != 0)
        return invalid(s, "Expecting value", s->at);
    s->at += word.len;
    return true;
}

static bool scan_kind(struct scan *s, int depth)
{
    switch (*s->at) {
    case '"':
        return scan_string(s);
    case '{':
        return depth < JSON_DEPTH ? scan_object(s, depth + 1) : stop(s, JSON_UNREADABLE);
    case '[':
        return depth < JSON_DEPTH ? scan_list(s, depth + 1) : stop(s, JSON_UNREADABLE);
    case 't':
        return scan_word(s, TEXT("true"));
    case 'f':
        return scan_word(s, TEXT("false"));
    case 'n':
        return scan_word(s, TEXT("null"));
    default:
        return scan_number(s);
    }
}

static bool scan_value(struct scan *s, int depth)
{
    if (s->at == s->end)
        return invalid(s, "Expecting value", s->at);
    if ((size_t)(s->at - s->shared) > JSON_SHARE_AFTER) {
        s->shared = s->at;
        turn_share();
    }
    return scan_kind(s, depth);
}

enum json_status json_scan(struct arena *arena, struct text bytes, struct json_scanned *scanned,
                           struct json_error *error)
{
    struct scan s = {
        .arena = arena, .start = bytes.at, .at = bytes.at, .shared = bytes.at, .end = bytes.at + bytes.len};

    skip_space(&s);
    const char *root = s.at;
    if (scan_value(&s, 0)) {
        scanned->root = (struct text){root, (size_t)(s.at - root)};
        skip_space(&s);
        if (s.at < s.end)
            invalid(&s, "Extra data", s.at);
    }
    *error = s.error;
    scanned->longest_number = s.longest_number;
    return s.status;
}
