/* E-mail addresses: what is accepted is accepted again as it was stored, and is text that can be stored. */
#include <string.h>

#include "common/email/email.h"
#include "tests/fuzz/support/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct arena arena = {0};
    struct text input = {len ? (const char *)bytes : "", len}, normal, again;
    const char *reason = NULL;

    /* Input is checked to be such text before it is looked at as an address. */
    if (!text_is_utf8(input) || memchr(input.at, '\0', len))
        return 0;
    if (email_normalise(&arena, input, &normal, &reason)) {
        HOLDS(text_is_utf8(normal) && !memchr(normal.at, '\0', normal.len));
        HOLDS(normal.len >= 3 && normal.len <= EMAIL_LIMIT && memchr(normal.at, '@', normal.len));
        HOLDS(email_normalise(&arena, normal, &again, &reason) && text_equal(normal, again));
    } else {
        HOLDS(reason && *reason && text_is_utf8(text_of(reason)));
    }
    arena_free(&arena);
    return 0;
}
