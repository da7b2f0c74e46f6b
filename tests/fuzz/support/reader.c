#include "tests/fuzz/support/reader.h"

#include <string.h>

#include "common/json/writer.h"
#include "tests/fuzz/support/fuzz.h"

#define DIGITS_MOST 16 /* of a chunk's size */

#define VERSION_UNKNOWN 505 /* libmicrohttpd's own answer to a version of HTTP that is not 1.0 or 1.1 */

/* What a header says of its body. */
struct framing {
    bool chunked, has_length;
    uint64_t length;
};

void reader_open(struct reader *reader, struct text bytes)
{
    *reader = (struct reader){.left = bytes};
}

void reader_close(struct reader *reader)
{
    arena_free(&reader->arena);
}

/*
 * Whether a header ends here for libmicrohttpd 0.9.75 (docs/http.md): four bytes that it overwrites as it
 * would the CRLF of the last line and of the empty one.
 */
static bool is_end(const struct text *left, size_t at)
{
    if (left->len - at < 4 || left->at[at + 3] != '\n')
        return false;
    for (size_t i = at; i < at + 3; i++)
        if (!memchr("\0\r\n:", left->at[i], 4))
            return false;
    return true;
}

/* Takes a line without its CRLF, or without what 0.9.75 takes for that; false: there is none. */
static bool take_line(struct text *left, struct text *line)
{
    for (size_t i = 0; i + 1 < left->len; i++) {
        bool whole = (left->at[i] == '\r' || left->at[i] == '\0') && left->at[i + 1] == '\n';
        if (!whole && !is_end(left, i))
            continue;
        *line = (struct text){left->at, i};
        *left = (struct text){left->at + i + 2, left->len - i - 2};
        return true;
    }
    return false;
}

/* The same for a line in chunk framing, whose end may be a lone LF: nothing is read after such a body
 * (docs/http.md). */
static bool take_loose_line(struct text *left, struct text *line)
{
    if (!left->len || !memchr(left->at, '\n', left->len))
        return false;
    *line = fuzz_take(left, '\n');
    line->len -= line->len && line->at[line->len - 1] == '\r';
    return true;
}

static bool take_bytes(struct text *left, uint64_t len, struct text *bytes)
{
    if (len > left->len)
        return false;
    *bytes = (struct text){left->at, len};
    *left = (struct text){left->at + len, left->len - len};
    return true;
}

static bool read_number(struct text digits, uint64_t base, uint64_t *number)
{
    *number = 0;
    if (!digits.len || digits.len > DIGITS_MOST + 2)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        const char *all = "0123456789abcdef";
        char c = digits.at[i] >= 'A' && digits.at[i] <= 'F' ? (char)(digits.at[i] | 0x20) : digits.at[i];
        const char *at = c ? strchr(all, c) : NULL;
        if (!at || (uint64_t)(at - all) >= base || *number > UINT64_MAX / base - 1)
            return false;
        *number = *number * base + (uint64_t)(at - all);
    }
    return true;
}

/* The lines of a header up to the empty one; false: it does not end, or a line is not a header's. */
static bool take_header(struct text *left, struct framing *framing)
{
    struct text line;

    *framing = (struct framing){0};
    for (;;) {
        if (left->len >= 2 && (memcmp(left->at, ":\n", 2) == 0 || memcmp(left->at, "\n\n", 2) == 0)) {
            *left = (struct text){left->at + 2, left->len - 2};
            return true; /* the rest of such an end */
        }
        if (!take_line(left, &line))
            return false;
        if (!line.len)
            return true;
        struct text name = fuzz_take(&line, ':'), value = text_trimmed(line);
        if (text_equal_folded(name, TEXT("Content-Length"))) {
            if (framing->has_length || !read_number(value, 10, &framing->length))
                return false;
            framing->has_length = true;
        } else if (text_equal_folded(name, TEXT("Transfer-Encoding"))) {
            if (framing->chunked || !text_equal_folded(value, TEXT("chunked")))
                return false;
            framing->chunked = true;
        }
    }
}

/* A body in chunks: without extensions, which not all versions of the library read. */
static bool take_chunks(struct reader *reader, struct text *body)
{
    struct writer w = writer_start(&reader->arena);
    struct text line, bytes;
    uint64_t size;

    for (;;) {
        if (!take_loose_line(&reader->left, &line))
            return false;
        line = fuzz_take(&line, ';');
        if (!read_number(text_trimmed(line), 16, &size))
            return false;
        if (!size)
            break;
        if (!take_bytes(&reader->left, size, &bytes))
            return false;
        write_text(&w, bytes);
        if (!take_loose_line(&reader->left, &line) || line.len)
            return false;
    }
    while (take_loose_line(&reader->left, &line)) {
        if (line.len && *line.at) /* 0.9.75 takes a NUL for the end of the line */
            continue;             /* a trailer */
        *body = (struct text){w.at ? w.at : "", w.len};
        return !w.failed;
    }
    return false;
}

/*
 * Passes over what may be before a request: the rest of an end (reader.h), and lines that begin with a NUL,
 * which end for 0.9.75 at any LF (docs/http.md).
 */
static void pass_lines(struct text *left)
{
    while (left->len && (*left->at == '\n' || *left->at == '\0')) {
        const char *end = memchr(left->at, '\n', left->len);
        size_t len = end ? (size_t)(end - left->at) + 1 : left->len;
        *left = (struct text){left->at + len, left->len - len};
    }
}

bool reader_next(struct reader *reader, struct read_request *read)
{
    struct framing framing;
    struct text line;

    *read = (struct read_request){.body = TEXT("")};
    do {
        pass_lines(&reader->left);
        if (reader->ended || !take_line(&reader->left, &line))
            return false;
    } while (!line.len);
    reader->ended = true;
    read->method = fuzz_take(&line, ' ');
    read->target = fuzz_take(&line, ' ');
    if (!take_header(&reader->left, &framing) || (framing.chunked && framing.has_length))
        return false;
    if (framing.chunked ? !take_chunks(reader, &read->body)
                        : !take_bytes(&reader->left, framing.length, &read->body))
        return false;
    if (!read->body.at)
        read->body = TEXT("");
    reader->ended = false;
    return true;
}

/* What is behind the header of an answer, as far as its framing tells. */
static void pass_body(struct reader *reader, const struct framing *framing, bool none)
{
    struct text body;

    if (none)
        return;
    if (framing->chunked)
        HOLDS(take_chunks(reader, &body));
    else if (framing->has_length)
        HOLDS(take_bytes(&reader->left, framing->length, &body));
    else
        reader->left.len = 0;
}

void reader_check_answers(struct text bytes)
{
    struct reader reader = {.left = bytes};
    struct framing framing;
    struct text line;
    uint64_t status;

    while (reader.left.len) {
        HOLDS(take_line(&reader.left, &line));
        struct text version = fuzz_take(&line, ' ');
        HOLDS(text_equal(version, TEXT("HTTP/1.1")) || text_equal(version, TEXT("HTTP/1.0")));
        HOLDS(read_number(fuzz_take(&line, ' '), 10, &status));
        HOLDS(status < 500 || status == VERSION_UNKNOWN);
        HOLDS(take_header(&reader.left, &framing));
        /* The answer to a HEAD tells a length, and the next answer or nothing follows. */
        bool headless =
            reader.left.len == 0 || (reader.left.len > 5 && memcmp(reader.left.at, "HTTP/", 5) == 0);
        pass_body(&reader, &framing, status < 200 || status == 204 || status == 304 || headless);
    }
    arena_free(&reader.arena);
}
