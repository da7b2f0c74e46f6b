/* The hash of tables whose keys come from clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/base/declare.h"
#include "common/base/hash.h"

/* CPython 3.11 hashes bytes with SipHash-1-3, under a key of zeros if PYTHONHASHSEED is 0. */
static void a_hash_is_the_one_that_python_has(void **state)
{
    static const struct {
        struct text text;
        uint64_t hash;
    } known[] = {
        {{"a", 1}, UINT64_C(0x407448d2b89b1813)},
        {{"abcdefg", 7}, UINT64_C(0x6db12aae9070f506)},
        {{"abcdefgh", 8}, UINT64_C(0x3f7b849c0b8e35ea)},
        {{"abcdefghi", 9}, UINT64_C(0xf89b34a3d11eb6e5)},
    };
    char bytes[256];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)i;
    assert_true(hash_text_under((struct hash_key){0, 0}, (struct text){bytes, sizeof(bytes)}) ==
                UINT64_C(0x31ae646afba70308));
    for (size_t i = 0; i < COUNT(known); i++)
        assert_true(hash_text_under((struct hash_key){0, 0}, known[i].text) == known[i].hash);
}

/* Texts with one hash under a key that is known, as somebody might choose them, differ under that of the
 * process. */
static void texts_that_were_chosen_for_one_slot_are_spread(void **state)
{
    size_t chosen = 0, still = 0;
    char name[32];

    (void)state;
    for (int i = 0; chosen < 256; i++) {
        int len = snprintf(name, sizeof(name), "name %d", i);
        struct text text = {name, (size_t)len};
        if (hash_text_under((struct hash_key){0, 0}, text) % 256)
            continue;
        chosen++;
        still += hash_text(text) % 256 == 0;
    }
    assert_true(still < 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_is_the_one_that_python_has),
        cmocka_unit_test(texts_that_were_chosen_for_one_slot_are_spread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
