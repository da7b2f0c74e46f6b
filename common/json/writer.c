#include "common/json/writer.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "common/base/turn.h"

#define WRITER_FIRST 512 /* bytes: enough for most answers */

struct writer writer_start(struct arena *arena)
{
    return (struct writer){.arena = arena};
}

struct writer writer_over(struct text bytes)
{
    return (struct writer){.at = (char *)(uintptr_t)bytes.at, .len = bytes.len};
}

/* Room for `more` bytes after those already written; NULL if there is none. */
static char *reserve(struct writer *w, size_t more)
{
    if (more <= w->size - w->len)
        return w->at + w->len;
    if (w->failed || more > WRITER_LIMIT - w->len) {
        w->failed = true;
        return NULL;
    }
    size_t size = w->size ? w->size * 2 : WRITER_FIRST;
    if (size < w->len + more)
        size = w->len + more;
    if (size > WRITER_LIMIT)
        size = WRITER_LIMIT;
    char *larger = arena_grow(w->arena, w->at, w->size, size);
    if (!larger) {
        w->failed = true;
        return NULL;
    }
    w->at = larger;
    w->size = size;
    return w->at + w->len;
}

static void append(struct writer *w, const char *bytes, size_t len)
{
    char *room = len ? reserve(w, len) : NULL;

    if (room) {
        memcpy(room, bytes, len);
        w->len += len;
    }
}

void write_bytes(struct writer *w, const void *bytes, size_t len)
{
    const char *from = bytes;

    while (w->full && !w->failed && len > WRITER_PART - w->len) {
        size_t piece = WRITER_PART - w->len;
        append(w, from, piece);
        from += piece;
        len -= piece;
        if (!w->failed)
            w->full(w);
    }
    append(w, from, len);
}

void write_text(struct writer *w, struct text t)
{
    write_bytes(w, t.at, t.len);
}

void write_char(struct writer *w, char c)
{
    write_bytes(w, &c, 1);
}

static void write_escape(struct writer *w, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\'};

    if (letters[c])
        write_bytes(w, (char[]){'\\', letters[c]}, 2);
    else
        write_bytes(w, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
}

void write_json_text(struct writer *w, struct text t)
{
    size_t plain = 0; /* start of the bytes that need no escape and are not written yet */

    if (!t.at) {
        write_literal(w, "null");
        return;
    }
    write_char(w, '"');
    for (size_t i = 0; i < t.len; i++) {
        unsigned char c = (unsigned char)t.at[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        write_bytes(w, t.at + plain, i - plain);
        write_escape(w, c);
        plain = i + 1;
    }
    write_bytes(w, t.at + plain, t.len - plain);
    write_char(w, '"');
}

void write_json_kept(struct writer *w, struct text json)
{
    size_t written = 0;

    for (size_t i = 0; w->lines && i < json.len; i++) {
        if (json.at[i] != '\n' && json.at[i] != '\r')
            continue;
        write_bytes(w, json.at + written, i - written);
        write_char(w, ' ');
        written = i + 1;
    }
    write_bytes(w, json.at + written, json.len - written);
}

void write_url(struct writer *w, struct text t, const char *kept)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < t.len; i++) {
        unsigned char c = (unsigned char)t.at[i];
        bool alphanumeric = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (alphanumeric || (c && (memchr("-._~", c, 4) || strchr(kept, c))))
            write_char(w, (char)c);
        else
            write_bytes(w, (char[]){'%', digits[c >> 4], digits[c & 15]}, 3);
    }
}

void write_json_texts(struct writer *w, struct texts list)
{
    if (!list.items) {
        write_literal(w, "null");
        return;
    }
    write_char(w, '[');
    for (size_t i = 0; i < list.count; i++) {
        if (i)
            write_char(w, ',');
        write_json_text(w, list.items[i]);
    }
    write_char(w, ']');
}

void write_int(struct writer *w, int64_t n)
{
    char digits[20];
    size_t at = sizeof(digits);
    uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n;

    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (n < 0)
        digits[--at] = '-';
    write_bytes(w, digits + at, sizeof(digits) - at);
}

void write_bool(struct writer *w, bool b)
{
    write_text(w, b ? TEXT("true") : TEXT("false"));
}

void write_float(struct writer *w, double d)
{
    char digits[FLOAT_TEXT_MAX];

    if (isfinite(d))
        write_bytes(w, digits, float_print(digits, d));
    else
        write_literal(w, "null");
}

void write_time(struct writer *w, struct moment moment, enum time_form form)
{
    char text[TIME_TEXT_MAX];

    write_char(w, '"');
    write_bytes(w, text, time_print(text, moment, form));
    write_char(w, '"');
}

static void write_bytes_again(struct writer *w, struct text raw);

static void write_string_again(struct writer *w, struct text raw)
{
    struct text decoded;

    if (json_decoded(w->arena, raw, &decoded))
        write_json_text(w, decoded);
    else
        w->failed = true;
}

static void write_number_again(struct writer *w, struct text raw)
{
    double value;

    if (!json_is_integral(raw) && json_number(w->arena, raw, &value))
        write_float(w, value);
    else if (!json_is_integral(raw))
        w->failed = true;
    else
        write_text(w, text_equal(raw, TEXT("-0")) ? TEXT("0") : raw);
}

/* Gives the members of an object; false: no memory. */
static bool list_members(struct arena *arena, struct text raw, size_t count, struct text *names,
                         struct text *values)
{
    struct json_walk walk = json_walk_into(raw);
    struct json_item item;

    for (size_t i = 0; i < count && json_walk_next(&walk, &item); i++) {
        values[i] = item.value;
        if (!json_decoded(arena, item.name, &names[i]))
            return false;
    }
    return true;
}

static void write_object_again(struct writer *w, struct text raw)
{
    size_t count = json_count(raw);
    struct text *names = arena_alloc(w->arena, count * sizeof(*names));
    struct text *values = arena_alloc(w->arena, count * sizeof(*values));
    size_t *last = arena_alloc(w->arena, count * sizeof(*last));
    bool first = true;

    if (!names || !values || !last || !list_members(w->arena, raw, count, names, values) ||
        !json_last_members(w->arena, names, count, last)) {
        w->failed = true;
        return;
    }
    write_char(w, '{');
    for (size_t i = 0; i < count; i++) {
        if (last[i] == SIZE_MAX)
            continue;
        if (!first)
            write_char(w, ',');
        first = false;
        write_json_text(w, names[i]);
        write_char(w, ':');
        write_bytes_again(w, values[last[i]]);
    }
    write_char(w, '}');
}

static void write_list_again(struct writer *w, struct text raw)
{
    struct json_walk walk = json_walk_into(raw);
    struct json_item item;

    write_char(w, '[');
    for (bool first = true; !w->failed && json_walk_next(&walk, &item); first = false) {
        if (!first)
            write_char(w, ',');
        write_bytes_again(w, item.value);
    }
    write_char(w, ']');
}

static void write_bytes_again(struct writer *w, struct text raw)
{
    turn_share();
    switch (raw.at[0]) {
    case '"':
        write_string_again(w, raw);
        break;
    case '{':
        write_object_again(w, raw);
        break;
    case '[':
        write_list_again(w, raw);
        break;
    case 't':
    case 'f':
    case 'n':
        write_text(w, raw);
        break;
    default:
        write_number_again(w, raw);
    }
}

void write_json_again(struct writer *w, const struct json *value)
{
    write_bytes_again(w, json_raw(value));
}
