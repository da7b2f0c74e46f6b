/*
 * Checks a request's header before anything relies on it: by RFC 9110 and RFC 9112, and against the forms
 * used for request smuggling that libmicrohttpd lets through.
 */
#ifndef COMMON_HTTP_HEADER_H
#define COMMON_HTTP_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/http/request.h"

#define ORIGIN_MAX ((size_t)512) /* bytes of an Origin; a longer one counts as none */

struct header_scan {
    struct arena *arena; /* of the request: values of several lines are joined there */
    bool version_1_0;
    /*
     * Where the previous line ended, or NULL. libmicrohttpd 0.9 leaves lines in the buffer where it read them
     * and overwrites their ends with NUL; a line that does not follow directly was folded, dropped or cut at
     * a NUL, and another server would read it differently.
     */
    const char *end;
    const char *whole_end; /* if `end` is not NULL: where the whole header ends, by the library's own count */
    size_t bytes;          /* of all lines */
    unsigned lines;
    unsigned seen; /* a bit for each header of struct request_headers, in its order */
    unsigned hosts, lengths, encodings;
    uint64_t content_length;
    bool chunked;
    const char *fault; /* the first one found; static */
};

/* Whether a text is a token (RFC 9110, section 5.6.2), as methods and header names are. */
bool header_is_token(struct text t);

/* Whether a text may be the value of a header: no control characters except a tab (RFC 9110, section 5.5). */
bool header_is_value(struct text t);

/* Checks one line, and keeps the value if the program needs it. */
void header_scan_take(struct header_scan *scan, struct request_headers *headers, struct text name,
                      struct text value);

/* What is wrong with the whole header, or NULL; headers that count as absent are null afterwards. */
const char *header_scan_end(const struct header_scan *scan, struct request_headers *headers);

/*
 * Copies the values to an arena, because those that were read end with the connection. A value for which
 * there is no memory becomes null.
 */
void header_keep(struct request_headers *headers, struct arena *arena);

#endif
