/*
 * What a request's header must be before anything believes it: RFC 9110 and RFC 9112, and none of the forms
 * that request smuggling lives on, which libmicrohttpd lets through.
 */
#ifndef COMMON_HTTP_HEADER_H
#define COMMON_HTTP_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/http/request.h"

struct header_scan {
    bool version_1_0;
    /*
     * Where the line before ended, or NULL. libmicrohttpd 0.9 leaves lines where they came and makes their
     * ends NUL; what does not follow directly was folded, dropped or cut at a NUL, and is not what another
     * server would read.
     */
    const char *end;
    size_t bytes; /* of all lines */
    unsigned hosts, lengths, encodings;
    uint64_t content_length;
    bool chunked;
    const char *fault; /* the first one found; static */
};

/* Looks at one line, and keeps the value where the program needs it. */
void header_scan_take(struct header_scan *scan, struct request_headers *headers, struct text name,
                      struct text value);

/* What is wrong with the whole header, or NULL. */
const char *header_scan_end(const struct header_scan *scan);

#endif
