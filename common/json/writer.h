/*
 * JSON and text out: a growing buffer with a sticky error, checked once at the end.
 *
 * The buffer lives in the request's arena. Output is compact JSON, raw UTF-8, floats as Python prints them.
 */
#ifndef COMMON_JSON_WRITER_H
#define COMMON_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/iso8601.h"
#include "common/base/text.h"
#include "common/json/json.h"

#define WRITER_LIMIT ((size_t)64 << 20) /* the most bytes of one answer */
#define WRITER_PART  ((size_t)64 << 10) /* bytes that are gathered for `full` */

struct writer {
    struct arena *arena;
    char *at;
    size_t len;
    size_t size;
    bool failed; /* memory or WRITER_LIMIT is exhausted: the text is incomplete */
    /* Takes the WRITER_PART bytes that are there away when more come; NULL: they stay, and more with them. */
    void (*full)(struct writer *w);
    bool lines; /* the text is lines: JSON that is written as it was sent must not break them */
};

#define FLOAT_TEXT_MAX 32 /* the most bytes of a printed float */

struct writer writer_start(struct arena *arena);

/* A writer whose text is these bytes, which are neither copied nor changed; nothing can be added to them. */
struct writer writer_over(struct text bytes);

/* Bytes as they are. */
void write_bytes(struct writer *w, const void *bytes, size_t len);
void write_text(struct writer *w, struct text t);
void write_char(struct writer *w, char c);
#define write_literal(w, literal) write_bytes((w), "" literal, sizeof(literal) - 1)

/* A JSON string of valid UTF-8, escaped; `null` for the null text. */
void write_json_text(struct writer *w, struct text t);

/*
 * JSON as it was sent, with its white space. In lines, its line ends become spaces: outside of strings they
 * mean the same, and inside of strings they are always escaped.
 */
void write_json_kept(struct writer *w, struct text json);

/* A list of JSON strings; `null` for null. */
void write_json_texts(struct writer *w, struct texts list);

/* Percent-encodes all but unreserved characters (RFC 3986, section 2.3) and those in `kept`. */
void write_url(struct writer *w, struct text t, const char *kept);

void write_int(struct writer *w, int64_t n);
void write_bool(struct writer *w, bool b);

/*
 * As Python's repr: the shortest digits that read back as the same double, `1.0`, `1e-07`, `1e+16`; NaN is
 * `null`.
 */
void write_float(struct writer *w, double d);

/* A quoted ISO 8601 time: six digits when they are not all zero, else none. */
void write_time(struct writer *w, struct moment moment, enum time_form form);

/*
 * Prints a parsed value as Python's json.loads and a compact dump would: no white space, escapes resolved,
 * floats by repr; of members with equal names the last value, at the first one's place.
 */
void write_json_again(struct writer *w, const struct json *value);

/* repr of a double into `out` (FLOAT_TEXT_MAX bytes); returns its length. */
size_t float_print(char *out, double d);

#endif
