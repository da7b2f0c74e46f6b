/* Unicode's properties of characters: categories, names, normal forms. Texts are valid UTF-8. */
#ifndef COMMON_EMAIL_UNICODE_H
#define COMMON_EMAIL_UNICODE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/text.h"

#define UNICODE_NAME_MAX 256 /* the most bytes of a character's name, with the NUL */

/* Takes the first code point off `rest`, which must not be empty. */
uint32_t unicode_next(struct text *rest);

/* The general category, of two letters: "Lu", "Zs", "Cn" for unassigned ones. */
const char *unicode_category(uint32_t c);

/* Whether Python's str.isspace() and the \s of its re count it as white space. */
bool unicode_is_space(uint32_t c);

/* The text without such white space at its ends. */
struct text unicode_trimmed(struct text t);

/* The character's name in the Unicode standard, or like `U+0009` if it has none. */
void unicode_name(uint32_t c, char name[static UNICODE_NAME_MAX]);

/* Whether the character is of a script, by its name ("Greek"). */
bool unicode_in_script(uint32_t c, const char *script);

/* The text in normalisation form C, in the arena; the null text when memory is exhausted. */
MUST_CHECK struct text unicode_composed(struct arena *arena, struct text t);

#endif
