/* Lists of the invalid characters in a message, as email-validator shows them: `'(', 'é', SPACE`. */
#ifndef COMMON_EMAIL_CHARACTERS_H
#define COMMON_EMAIL_CHARACTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/text.h"

/* Whether a character is one to list; `first`: it is the first of the text. */
typedef bool character_test(uint32_t c, bool first);

enum characters_order {
    CHARACTERS_BY_CODE,  /* ordered by code point */
    CHARACTERS_AS_SHOWN, /* ordered by what is shown of them */
};

/*
 * The list of the characters of `t`, valid UTF-8, for which the test is true, each once, in the arena. An
 * empty text if there are none; the null text when memory is exhausted.
 */
MUST_CHECK struct text characters_listed(struct arena *arena, struct text t, character_test *test,
                                         enum characters_order order);

#endif
