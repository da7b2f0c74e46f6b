/*
 * Bytes with a length: what the parser, the database and the writer exchange.
 *
 * A text is not terminated and does not own its bytes; `at == NULL` is the null of JSON and SQL.
 */
#ifndef COMMON_BASE_TEXT_H
#define COMMON_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
    const char *at;
    size_t len;
};

/* A list of texts; `items == NULL` is null, an empty list has items that are not NULL. */
struct texts {
    struct text *items;
    size_t count;
};

/* A text from a string literal. */
#define TEXT(literal) ((struct text){"" literal, sizeof(literal) - 1})

/* The null text. */
#define TEXT_NULL ((struct text){NULL, 0})

/* A text over a terminated string, which must outlive it; NULL gives the null text. */
static inline struct text text_of(const char *string)
{
    return string ? (struct text){string, strlen(string)} : TEXT_NULL;
}

/* Whether two texts hold the same bytes; null equals only null. */
static inline bool text_equal(struct text a, struct text b)
{
    if (!a.at || !b.at)
        return a.at == b.at;
    return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

/*
 * Compares two texts, which are not null, by their bytes, as memcmp does; of a text and its beginning, the
 * beginning comes first. In UTF-8 that is the order of the code points.
 */
int text_compare(struct text a, struct text b);

/* Whether the texts are equal when the ASCII letters are folded. */
bool text_equal_folded(struct text a, struct text b);

/* The text without white space (space, tab, CR, LF, VT, FF) at its ends. */
struct text text_trimmed(struct text t);

/* Takes what stands before the next separator off a list, the separator too; without one, all that is left.
 */
struct text text_take(struct text *list, char separator);

/* How many Unicode code points valid UTF-8 holds. */
size_t text_code_points(struct text t);

/* The length of the UTF-8 sequence at an offset in the text, 0 if there is none (RFC 3629, section 4). */
size_t text_sequence(struct text t, size_t at);

/* The text without the byte order mark of UTF-8 that it may begin with (RFC 3629, section 6). */
struct text text_without_mark(struct text t);

/* Whether the bytes are UTF-8 (RFC 3629: no surrogates, nothing overlong, at most U+10FFFF). */
bool text_is_utf8(struct text t);

/* Whether it has a line break or another of the control characters of ASCII. */
bool text_has_control(struct text t);

/* Whether it is base64url without padding, in the canonical form of some bytes (RFC 4648, section 3.5). */
bool text_is_base64url(struct text t);

#endif
