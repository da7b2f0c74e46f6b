/*
 * The check of a request's header, over lines as libmicrohttpd 0.9 leaves them in its buffer and as 1.0 gives
 * them: both come to the same, and a header that passes has one Host, at most one length, and no control
 * characters.
 *
 * An input is lines of `name:value`.
 */
#include <string.h>

#include "common/http/header.h"
#include "tests/fuzz/support/fuzz.h"

#define LINES_MOST 40

struct line {
    struct text name, value;
};

/* The lines with NULs for what ended them, as the library overwrites `: ` and CRLF. */
static size_t lay_out(struct arena *arena, struct text input, struct line *lines, const char **start)
{
    char *at = arena_zalloc(arena, 2 * input.len + 4 * (LINES_MOST + 2));
    size_t count = 0;

    HOLDS(at);
    *start = at;
    at += 2;
    while (input.len && count < LINES_MOST) {
        struct text line = fuzz_take(&input, '\n'), name = fuzz_take(&line, ':');
        memcpy(at, name.at, name.len);
        lines[count].name = (struct text){at, name.len};
        at += name.len + 2;
        memcpy(at, line.at, line.len);
        lines[count++].value = (struct text){at, line.len};
        at += line.len + 2;
    }
    return count;
}

static const char *scan(struct arena *arena, const struct line *lines, size_t count, const char *start,
                        bool old, struct request_headers *headers)
{
    struct text last = count ? lines[count - 1].value : (struct text){start, 0};
    struct header_scan scan = {
        .arena = arena, .version_1_0 = old, .end = start, .whole_end = start ? last.at + last.len + 4 : NULL};

    for (size_t i = 0; i < count; i++)
        header_scan_take(&scan, headers, lines[i].name, lines[i].value);
    HOLDS(scan.lines == count);
    return header_scan_end(&scan, headers);
}

static size_t count_of(const struct line *lines, size_t count, struct text name)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        found += text_equal_folded(lines[i].name, name);
    return found;
}

static void check_passed(const struct line *lines, size_t count, bool old)
{
    size_t lengths = count_of(lines, count, TEXT("Content-Length"));
    size_t encodings = count_of(lines, count, TEXT("Transfer-Encoding"));
    size_t hosts = count_of(lines, count, TEXT("Host"));

    HOLDS(hosts == 1 || (old && hosts == 0));
    HOLDS(lengths + encodings <= 1 && (!old || !encodings));
    HOLDS(count_of(lines, count, TEXT("Authorization")) <= 1);
    HOLDS(count_of(lines, count, TEXT("Content-Type")) <= 1);
    for (size_t i = 0; i < count; i++) {
        HOLDS(header_is_token(lines[i].name) && header_is_value(lines[i].value));
        for (size_t k = 0; k < lines[i].value.len; k++)
            HOLDS((unsigned char)lines[i].value.at[k] >= ' ' || lines[i].value.at[k] == '\t');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct arena arena = {0};
    struct text input = {len ? (const char *)bytes : "", len};
    struct line lines[LINES_MOST];
    const char *start;
    size_t count = lay_out(&arena, input, lines, &start);

    for (int old = 0; old < 2; old++) {
        struct request_headers of_0_9 = {0}, of_1_0 = {0};
        const char *fault = scan(&arena, lines, count, start, old, &of_0_9);
        const char *same = scan(&arena, lines, count, NULL, old, &of_1_0);
        HOLDS(!fault == !same);
        if (!fault)
            check_passed(lines, count, old);
        HOLDS(!of_1_0.origin.at || of_1_0.origin.len <= ORIGIN_MAX);
        HOLDS(text_equal(of_0_9.accept_encoding, of_1_0.accept_encoding));
    }
    arena_free(&arena);
    return 0;
}
