#include "common/items/cursor.h"

#include <stdio.h>
#include <string.h>

#define VERSION "01" /* of the format: then the hash, the time and the id, 16 hexadecimal digits each */
#define DIGITS  16

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

/* Reads the digits of a number; false if there is another character. */
static bool read_number(const char *at, uint64_t *number)
{
    static const char digits[] = "0123456789abcdef";

    *number = 0;
    for (int i = 0; i < DIGITS; i++) {
        const char *digit = at[i] ? strchr(digits, at[i]) : NULL;
        if (!digit)
            return false;
        *number = *number << 4 | (uint64_t)(digit - digits);
    }
    return true;
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
