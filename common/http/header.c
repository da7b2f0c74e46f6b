#include "common/http/header.h"

#include <stddef.h>

#include "common/base/declare.h"

#define LENGTH_DIGITS 18 /* of a Content-Length that fits 64 bits */

/* tchar of RFC 9110, section 5.6.2 */
static bool is_token(struct text t)
{
    for (size_t i = 0; i < t.len; i++) {
        unsigned char c = (unsigned char)t.at[i];
        bool alphanumeric = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!alphanumeric && (!c || !memchr("!#$%&'*+-.^_`|~", c, 15)))
            return false;
    }
    return t.len > 0;
}

/* field-value of RFC 9110, section 5.5: no control characters but a tab */
static bool is_field_value(struct text t)
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

static void take_host(struct header_scan *scan, struct text value)
{
    for (size_t i = 0; i < value.len; i++)
        if (memchr(" \t/?#@,", value.at[i], 7))
            scan->fault = "Invalid Host";
    scan->hosts++;
}

/* Whether a line begins where the one before has ended, behind a CRLF; a lone LF ends no line here. */
static bool follows(const struct header_scan *scan, const char *line)
{
    return line == scan->end + 2 && scan->end[1] == '\0';
}

void header_scan_take(struct header_scan *scan, struct request_headers *headers, struct text name,
                      struct text value)
{
    static const struct {
        struct text name;
        size_t at;
    } kept[] = {
        {TEXT("Accept-Encoding"), offsetof(struct request_headers, accept_encoding)},
        {TEXT("Access-Control-Request-Headers"),
         offsetof(struct request_headers, access_control_request_headers)},
        {TEXT("Access-Control-Request-Method"),
         offsetof(struct request_headers, access_control_request_method)},
        {TEXT("Authorization"), offsetof(struct request_headers, authorization)},
        {TEXT("Content-Type"), offsetof(struct request_headers, content_type)},
        {TEXT("Idempotency-Key"), offsetof(struct request_headers, idempotency_key)},
        {TEXT("If-None-Match"), offsetof(struct request_headers, if_none_match)},
        {TEXT("Origin"), offsetof(struct request_headers, origin)},
        {TEXT("Traceparent"), offsetof(struct request_headers, traceparent)},
        {TEXT("User-Agent"), offsetof(struct request_headers, user_agent)},
        {TEXT("X-Request-ID"), offsetof(struct request_headers, request_id)},
    };

    scan->bytes += name.len + value.len + 4; /* `: ` and the line's end */
    bool hidden = scan->end && !follows(scan, name.at);
    if (scan->end)
        scan->end = value.at + value.len;
    if (hidden || !is_token(name) || !is_field_value(value)) {
        scan->fault = "Invalid header";
        return;
    }
    if (text_equal_folded(name, TEXT("Host"))) {
        take_host(scan, value);
    } else if (text_equal_folded(name, TEXT("Content-Length"))) {
        take_length(scan, value);
    } else if (text_equal_folded(name, TEXT("Transfer-Encoding"))) {
        scan->encodings++;
        scan->chunked = text_equal_folded(value, TEXT("chunked"));
        if (!scan->chunked)
            scan->fault = "Unsupported Transfer-Encoding";
    } else {
        for (size_t i = 0; i < COUNT(kept); i++)
            if (text_equal_folded(name, kept[i].name))
                *(struct text *)((char *)headers + kept[i].at) = value;
    }
}

const char *header_scan_end(const struct header_scan *scan)
{
    if (scan->fault)
        return scan->fault;
    if (scan->end && memcmp(scan->end, "\0\0\0", 4) != 0) /* its CRLF, then that of the empty line */
        return "Invalid header";
    if (scan->hosts > 1 || (scan->hosts == 0 && !scan->version_1_0))
        return "Exactly one Host header is needed";
    if (scan->lengths > 1)
        return "More than one Content-Length";
    if (scan->encodings > 1 || (scan->encodings && (scan->lengths || scan->version_1_0)))
        return "Invalid Transfer-Encoding";
    return NULL;
}
