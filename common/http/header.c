#include "common/http/header.h"

#include <stddef.h>

#include "common/base/declare.h"

#define LENGTH_DIGITS 18 /* of a Content-Length that fits into 64 bits */

/* What to do about a header that comes more than once, so that no two readers choose different values. */
enum repetition { REFUSED, ABSENT, JOINED, FIRST_COUNTS };

static const struct kept {
    struct text name;
    size_t at;
    enum repetition repetition;
} kept[] = {
    {TEXT("Accept-Encoding"), offsetof(struct request_headers, accept_encoding), JOINED},
    {TEXT("Access-Control-Request-Headers"), offsetof(struct request_headers, access_control_request_headers),
     JOINED},
    {TEXT("Access-Control-Request-Method"), offsetof(struct request_headers, access_control_request_method),
     FIRST_COUNTS},
    {TEXT("Authorization"), offsetof(struct request_headers, authorization), REFUSED},
    {TEXT("Content-Encoding"), offsetof(struct request_headers, content_encoding), REFUSED},
    {TEXT("Content-Type"), offsetof(struct request_headers, content_type), REFUSED},
    {TEXT("Idempotency-Key"), offsetof(struct request_headers, idempotency_key), REFUSED},
    {TEXT("If-None-Match"), offsetof(struct request_headers, if_none_match), JOINED},
    {TEXT("Origin"), offsetof(struct request_headers, origin), REFUSED},
    {TEXT("Traceparent"), offsetof(struct request_headers, traceparent), ABSENT},
    {TEXT("User-Agent"), offsetof(struct request_headers, user_agent), FIRST_COUNTS},
    {TEXT("X-Request-ID"), offsetof(struct request_headers, request_id), ABSENT},
};

bool header_is_token(struct text t)
{
    for (size_t i = 0; i < t.len; i++) {
        unsigned char c = (unsigned char)t.at[i];
        bool alphanumeric = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!alphanumeric && (!c || !memchr("!#$%&'*+-.^_`|~", c, 15)))
            return false;
    }
    return t.len > 0;
}

bool header_is_value(struct text t)
{
    for (size_t i = 0; i < t.len; i++) {
        unsigned char c = (unsigned char)t.at[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static void take_length(struct header_scan *scan, struct text value)
{
    if (!value.len || value.len > LENGTH_DIGITS)
        scan->fault = "Invalid Content-Length";
    for (size_t i = 0; i < value.len && !scan->fault; i++) {
        if (value.at[i] < '0' || value.at[i] > '9')
            scan->fault = "Invalid Content-Length";
        scan->content_length = scan->content_length * 10 + (uint64_t)(value.at[i] - '0');
    }
    scan->lengths++;
}

static void take_host(struct header_scan *scan, struct request_headers *headers, struct text value)
{
    for (size_t i = 0; i < value.len; i++)
        if (memchr(" \t/?#@,", value.at[i], 7))
            scan->fault = "Invalid Host";
    headers->host = value;
    scan->hosts++;
}

static void take_encoding(struct header_scan *scan, struct text value)
{
    scan->encodings++;
    scan->chunked = text_equal_folded(value, TEXT("chunked"));
    if (!scan->chunked)
        scan->fault = "Unsupported Transfer-Encoding";
}

/* Joins the lines of a list into one (RFC 9110, section 5.3); if memory is exhausted the first one counts. */
static void join(struct header_scan *scan, struct text *list, struct text more)
{
    char *both = arena_alloc(scan->arena, list->len + 2 + more.len);

    if (!both)
        return;
    memcpy(both, list->at, list->len);
    memcpy(both + list->len, ", ", 2);
    memcpy(both + list->len + 2, more.at, more.len);
    *list = (struct text){both, list->len + 2 + more.len};
}

static void keep(struct header_scan *scan, struct request_headers *headers, size_t i, struct text value)
{
    struct text *at = (struct text *)((char *)headers + kept[i].at);
    bool again = scan->seen & 1u << i;

    scan->seen |= 1u << i;
    if (!again) {
        *at = value;
        return;
    }
    switch (kept[i].repetition) {
    case REFUSED:
        scan->fault = "A header that may come once came more than once";
        break;
    case ABSENT:
        *at = TEXT_NULL;
        break;
    case JOINED:
        join(scan, at, value);
        break;
    case FIRST_COUNTS:
        break;
    }
}

/*
 * Whether a line begins directly after the CRLF of the one before; a lone LF is not accepted as the end of a
 * line.
 */
static bool follows(const struct header_scan *scan, const char *line)
{
    return line == scan->end + 2 && scan->end[1] == '\0';
}

void header_scan_take(struct header_scan *scan, struct request_headers *headers, struct text name,
                      struct text value)
{
    scan->lines++;
    scan->bytes += name.len + value.len + 4; /* `: ` and the line's end */
    bool hidden = scan->end && !follows(scan, name.at);
    if (scan->end)
        scan->end = value.at + value.len;
    if (hidden || !header_is_token(name) || !header_is_value(value)) {
        scan->fault = "Invalid header";
        return;
    }
    if (text_equal_folded(name, TEXT("Host"))) {
        take_host(scan, headers, value);
    } else if (text_equal_folded(name, TEXT("Content-Length"))) {
        take_length(scan, value);
    } else if (text_equal_folded(name, TEXT("Transfer-Encoding"))) {
        take_encoding(scan, value);
    } else {
        for (size_t i = 0; i < COUNT(kept); i++)
            if (text_equal_folded(name, kept[i].name))
                keep(scan, headers, i, value);
    }
}

const char *header_scan_end(const struct header_scan *scan, struct request_headers *headers)
{
    if (headers->origin.len > ORIGIN_MAX)
        headers->origin = TEXT_NULL;
    if (scan->fault)
        return scan->fault;
    /* Its CRLF and that of the empty line, and no NUL before them that cut the last value. */
    if (scan->end && (memcmp(scan->end, "\0\0\0", 4) != 0 || scan->whole_end != scan->end + 4))
        return "Invalid header";
    if (scan->hosts > 1 || (scan->hosts == 0 && !scan->version_1_0))
        return "Exactly one Host header is needed";
    if (scan->lengths > 1)
        return "More than one Content-Length";
    if (scan->encodings > 1 || (scan->encodings && (scan->lengths || scan->version_1_0)))
        return "Invalid Transfer-Encoding";
    return NULL;
}

void header_keep(struct request_headers *headers, struct arena *arena)
{
    headers->host = arena_text(arena, headers->host);
    for (size_t i = 0; i < COUNT(kept); i++) {
        struct text *value = (struct text *)((char *)headers + kept[i].at);
        *value = arena_text(arena, *value);
    }
}
