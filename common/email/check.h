/* Shared by the steps of the check of an address: the reason, classes of characters, ends of texts. */
#ifndef COMMON_EMAIL_CHECK_H
#define COMMON_EMAIL_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/text.h"
#include "common/email/characters.h"

/* The check of one address: each step returns whether it is valid, and stores the reason if it is not. */
struct check {
    struct arena *arena;
    const char *reason; /* NULL: memory is exhausted */
};

/* What an ASCII character may be part of; others may be part of a local part and of a domain. */
enum character_class {
    ATEXT = 1 << 0, /* a word (RFC 5322, section 3.2.3) */
    LOCAL = 1 << 1, /* a local part: words joined by periods */
    HOST = 1 << 2,  /* a domain: letters, digits, hyphens and periods */
};

/* Whether the character is of the class, as all beyond ASCII are; whether each character of a text is. */
MUST_CHECK bool class_has(enum character_class class, uint32_t c);
MUST_CHECK bool class_has_all(enum character_class class, struct text t);

static inline struct text text_from(struct text t, size_t at)
{
    return (struct text){t.at + at, t.len - at};
}

static inline struct text text_until(struct text t, size_t at)
{
    return (struct text){t.at, at};
}

static inline char text_last(struct text t)
{
    return (char)(t.len ? t.at[t.len - 1] : '\0');
}

static inline bool text_contains(struct text t, const char *pair)
{
    return memmem(t.at, t.len, pair, 2) != NULL;
}

static inline const char *plural(size_t n)
{
    return n > 1 ? "s" : "";
}

MUST_CHECK bool text_is_ascii(struct text t);

/* The text with ASCII letters in lower case, in the arena; the null text when memory is exhausted. */
MUST_CHECK struct text text_lower_cased(struct arena *arena, struct text t);

/* Stores the reason; returns false. */
bool check_refuse(struct check *check, const char *reason);

/*
 * Refuses a text that has characters for which the test is true; `complaint` is the beginning of the reason.
 */
MUST_CHECK bool check_characters(struct check *check, struct text t, character_test *wrong,
                                 enum characters_order order, const char *complaint);

/*
 * Refuses white space, control characters, and a mark that would combine with the character before the text.
 */
MUST_CHECK bool check_safe(struct check *check, struct text t);

#endif
