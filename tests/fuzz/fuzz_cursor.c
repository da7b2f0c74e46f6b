/* Cursors: what is read is printed as it was, and what is not a cursor is refused. */
#include <string.h>

#include "common/items/cursor.h"
#include "tests/fuzz/support/fuzz.h"

#define HASH UINT64_C(0xfedcba9876543210)

static void read_place(struct text input)
{
    char printed[CURSOR_TEXT];
    struct place place, again;
    enum cursor_status status = cursor_read(input, HASH, &place);

    if (status == CURSOR_NONE)
        return;
    cursor_print(printed, HASH, place);
    HOLDS(cursor_read(text_of(printed), HASH, &again) == CURSOR_GOOD);
    HOLDS(again.at.us == place.at.us && again.id == place.id);
    HOLDS((status == CURSOR_GOOD) == text_equal(text_of(printed), input));
}

static void read_key(struct arena *arena, struct text input)
{
    struct key key, again;
    enum cursor_status status = cursor_read_key(arena, input, HASH, &key);

    if (status == CURSOR_NONE)
        return;
    HOLDS(text_is_utf8(key.text) && !memchr(key.text.at, '\0', key.text.len));
    struct text printed = cursor_print_key(arena, HASH, &key);
    HOLDS(cursor_read_key(arena, printed, HASH, &again) == CURSOR_GOOD);
    HOLDS(memcmp(again.numbers, key.numbers, sizeof(key.numbers)) == 0 && text_equal(again.text, key.text));
    HOLDS((status == CURSOR_GOOD) == text_equal(printed, input));
}

/* The first bytes of any input as a place and a key that come back from their printed form. */
static void print_any(struct arena *arena, struct text input)
{
    struct key key = {.text = TEXT("\xc3\xa9")}, again;
    struct place place = {{0}, 0}, same;
    char printed[CURSOR_TEXT];

    memcpy(key.numbers, input.at, input.len < sizeof(key.numbers) ? input.len : sizeof(key.numbers));
    for (size_t i = 0; i < CURSOR_NUMBERS; i++)
        key.numbers[i] = key.numbers[i] == INT64_MIN ? 0 : key.numbers[i];
    HOLDS(cursor_read_key(arena, cursor_print_key(arena, HASH, &key), HASH, &again) == CURSOR_GOOD);
    HOLDS(memcmp(again.numbers, key.numbers, sizeof(key.numbers)) == 0 && text_equal(again.text, key.text));
    place = (struct place){{key.numbers[0]}, key.numbers[1]};
    cursor_print(printed, HASH, place);
    HOLDS(cursor_read(text_of(printed), HASH, &same) == CURSOR_GOOD && same.id == place.id);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct arena arena = {0};
    struct text input = {len ? (const char *)bytes : "", len};

    read_place(input);
    read_key(&arena, input);
    print_any(&arena, input);
    arena_free(&arena);
    return 0;
}
