/*
 * What a request's header must be before anything relies on it: RFC 9110 and RFC 9112, and none of the forms
 * that request smuggling uses, which libmicrohttpd lets through.
 */
#ifndef COMMON_HTTP_HEADER_H
#define COMMON_HTTP_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/http/request.h"

#define ORIGIN_MAX ((size_t)512) /* bytes of an Origin; a longer one counts as none */

struct header_scan {
    struct arena *arena; /* of the request: what several lines make up is joined there */
    bool version_1_0;
    /*
     * Where the line before ended, or NULL. libmicrohttpd 0.9 leaves lines where they came and makes their
     * ends NUL; what does not follow directly was folded, dropped or cut at a NUL, and is not what another
     * server would read.
     */
    const char *end;
    size_t bytes; /* of all lines */
    unsigned lines;
    unsigned seen; /* bits of the headers that are kept, in their order there */
    unsigned hosts, lengths, encodings;
    uint64_t content_length;
    bool chunked;
    const char *fault; /* the first one found; static */
};

/* Whether a text is a token (RFC 9110, section 5.6.2), as methods and names of headers are. */
bool header_is_token(struct text t);

/* Whether a text may be the value of a header: no control characters except a tab (RFC 9110, section 5.5). */
bool header_is_value(struct text t);

/* Looks at one line, and keeps the value where the program needs it. */
void header_scan_take(struct header_scan *scan, struct request_headers *headers, struct text name,
                      struct text value);

/* What is wrong with the whole header, or NULL; then headers that count as absent are null. */
const char *header_scan_end(const struct header_scan *scan, struct request_headers *headers);

#endif
