/* URLs of services: checked before any call is made to them, taken apart and put together (RFC 3986, section
 * 3). */
#ifndef COMMON_HTTP_URL_H
#define COMMON_HTTP_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/text.h"

enum url_parts {
    URL_HTTP = 1 << 0,   /* http is allowed */
    URL_HTTPS = 1 << 1,  /* https is allowed */
    URL_QUERY = 1 << 2,  /* a query is allowed */
    URL_ORIGIN = 1 << 3, /* any scheme, and nothing after host and port, as browsers send an Origin */
};

/*
 * What is wrong with a URL, by what `parts` allows, as the end of a sentence that begins with the name of a
 * setting; NULL if it is valid. It never repeats the URL, which may hold a password. A static text.
 */
const char *url_fault(const char *url, unsigned parts) MUST_CHECK;

/*
 * The same for a list of origins, separated by commas, of which `*` is any. Empty items are skipped. An
 * origin that browsers write in another form is a fault too, because it would match nothing.
 */
const char *url_origins_fault(const char *list) MUST_CHECK;

/*
 * Copies the host of a URL of http or https, without brackets, into `size` bytes; false: there is none, or it
 * is longer.
 */
bool url_host(const char *url, char *host, size_t size) MUST_CHECK;

/* A URL without trailing slashes: part of `url`. */
struct text url_base(const char *url);

/*
 * Whether a text can be a segment of a path: an empty one names what is above it, and so may `.` and `..`,
 * which are removed on the way (RFC 3986, section 5.2.4).
 */
bool url_is_segment(struct text t);

/* The URL of a segment below a path of a service, in the arena; NULL when that is exhausted. */
char *url_below(struct arena *arena, const char *base, const char *path, struct text segment);

#endif
