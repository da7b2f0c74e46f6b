/*
 * URLs of services, checked before anything is asked there (RFC 3986, section 3).
 */
#ifndef COMMON_HTTP_URL_H
#define COMMON_HTTP_URL_H

#include <stdbool.h>

#include "common/base/declare.h"

enum url_parts {
    URL_HTTP = 1 << 0,   /* http is taken */
    URL_HTTPS = 1 << 1,  /* https is taken */
    URL_QUERY = 1 << 2,  /* a query may stand at its end */
    URL_ORIGIN = 1 << 3, /* any scheme, and nothing after host and port: what browsers send as Origin */
};

/*
 * What is wrong with a URL whose scheme, host, port and rest are not as `parts` takes them, as the end of a
 * sentence that begins with the name of a setting; NULL where it is good. It never repeats the URL, which may
 * hold a password. A static text.
 */
const char *url_fault(const char *url, unsigned parts) MUST_CHECK;

/* The same for a list of origins, separated by commas, of which `*` is any. Nothing between two commas is
 * passed over. */
const char *url_origins_fault(const char *list) MUST_CHECK;

#endif
