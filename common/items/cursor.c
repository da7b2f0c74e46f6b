#include "common/items/cursor.h"

#include <stdio.h>
#include <string.h>

#define VERSION "01" /* of the format: then the hash, the time and the id, 16 hexadecimal digits each */
#define DIGITS  16

#define KEY_VERSION "02" /* then the hash and the numbers of the key, and the bytes of its text */
#define KEY_FIXED   (2 + DIGITS * (1 + CURSOR_NUMBERS))

/* The earliest time that PostgreSQL can store, 4714-11-24 BC, in microseconds from 1970. */
#define EARLIEST (-INT64_C(210866803200000000))

/* One step of the hash FNV-1a. */
static uint64_t add_byte(uint64_t hash, unsigned char byte)
{
    return (hash ^ byte) * UINT64_C(0x100000001b3);
}

uint64_t cursor_hash(const struct text *texts, size_t count)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; texts[i].at && k < texts[i].len; k++)
            hash = add_byte(hash, (unsigned char)texts[i].at[k]);
        hash = add_byte(hash, texts[i].at ? 0xfe : 0xff); /* 0xfe and 0xff never occur in UTF-8 */
    }
    return hash;
}

void cursor_print(char out[static CURSOR_TEXT], uint64_t hash, struct place place)
{
    /*
     * An earlier time than PostgreSQL can store is its `-infinity`, at which rows without a time are sorted.
     */
    uint64_t at = (uint64_t)(place.at.us < EARLIEST ? MOMENT_NULL.us : place.at.us);

    snprintf(out, CURSOR_TEXT, VERSION "%016llx%016llx%016llx", (unsigned long long)hash,
             (unsigned long long)at, (unsigned long long)place.id);
}

static const char hex[] = "0123456789abcdef";

/* Reads a number of so many digits; false if there is another character. */
static bool read_digits(const char *at, size_t count, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < count; i++) {
        const char *digit = at[i] ? strchr(hex, at[i]) : NULL;
        if (!digit)
            return false;
        *number = *number << 4 | (uint64_t)(digit - hex);
    }
    return true;
}

static bool read_number(const char *at, uint64_t *number)
{
    return read_digits(at, DIGITS, number);
}

enum cursor_status cursor_read(struct text text, uint64_t hash, struct place *place)
{
    const size_t version = strlen(VERSION);
    uint64_t of, at, id;

    if (text.len != CURSOR_TEXT - 1 || memcmp(text.at, VERSION, version) != 0 ||
        !read_number(text.at + version, &of) || !read_number(text.at + version + DIGITS, &at) ||
        !read_number(text.at + version + (size_t)2 * DIGITS, &id))
        return CURSOR_NONE;
    *place = (struct place){{(int64_t)at}, (int64_t)id};
    if ((!moment_is_null(place->at) && place->at.us < EARLIEST) || place->id == INT64_MIN)
        return CURSOR_NONE;
    return of == hash ? CURSOR_GOOD : CURSOR_OF_ANOTHER_QUERY;
}

struct text cursor_print_key(struct arena *arena, uint64_t hash, const struct key *key)
{
    size_t len = KEY_FIXED + 2 * key->text.len;
    char *out = arena_alloc(arena, len + 1);

    if (!out)
        return TEXT_NULL;
    char *at = out + snprintf(out, KEY_FIXED, KEY_VERSION "%016llx", (unsigned long long)hash);
    for (size_t i = 0; i < CURSOR_NUMBERS; i++)
        at += snprintf(at, DIGITS + 1, "%016llx", (unsigned long long)key->numbers[i]);
    for (size_t i = 0; i < key->text.len; i++) {
        unsigned char byte = (unsigned char)key->text.at[i];
        *at++ = hex[byte >> 4];
        *at++ = hex[byte & 15];
    }
    *at = '\0';
    return (struct text){out, len};
}

/* Reads the text of a key from its digits; false: it is not valid, or memory is exhausted. */
static bool read_key_text(struct arena *arena, struct text digits, struct text *text)
{
    char *out = arena_alloc(arena, digits.len / 2 + 1);
    uint64_t byte;

    if (!out || digits.len % 2)
        return false;
    for (size_t i = 0; i < digits.len / 2; i++) {
        if (!read_digits(digits.at + 2 * i, 2, &byte) || !byte)
            return false;
        out[i] = (char)byte;
    }
    *text = (struct text){out, digits.len / 2};
    return text_is_utf8(*text);
}

enum cursor_status cursor_read_key(struct arena *arena, struct text text, uint64_t hash, struct key *key)
{
    uint64_t of, number;

    if (text.len < KEY_FIXED || memcmp(text.at, KEY_VERSION, strlen(KEY_VERSION)) != 0 ||
        !read_number(text.at + strlen(KEY_VERSION), &of))
        return CURSOR_NONE;
    for (size_t i = 0; i < CURSOR_NUMBERS; i++) {
        if (!read_number(text.at + strlen(KEY_VERSION) + DIGITS * (i + 1), &number))
            return CURSOR_NONE;
        key->numbers[i] = (int64_t)number;
        if (key->numbers[i] == INT64_MIN)
            return CURSOR_NONE;
    }
    struct text digits = {text.at + KEY_FIXED, text.len - KEY_FIXED};
    if (!read_key_text(arena, digits, &key->text))
        return CURSOR_NONE;
    return of == hash ? CURSOR_GOOD : CURSOR_OF_ANOTHER_QUERY;
}
