/*
 * Files that are part of the daemon: what the pages at /docs, /redoc and /dashboard consist of, compressed by
 * tools/pages. Their paths contain a hash of all of them, so that browsers may cache them for ever.
 */
#ifndef COMMON_OPENAPI_EMBEDDED_H
#define COMMON_OPENAPI_EMBEDDED_H

#include "common/base/declare.h"
#include "common/table/api.h"

/* A row of the table that tools/pages makes. */
struct embedded {
    const char *name;
    const char *at, *end; /* in gzip's format */
};

extern const char embedded_hash[]; /* a new one if any file changes */

#define EMBEDDED_FLAGS (ENDPOINT_DIRECT | ENDPOINT_OPEN | ENDPOINT_HIDDEN | ENDPOINT_TAGGED)

/* Answers `…/files/{hash}/{name}`, which is the shape of its path. */
handler_fn embedded_file;

extern const struct shape embedded_path_shape;

/* Replies with a file whose name is known to exist. `cache` is the Cache-Control. */
enum reply embedded_send(struct request *rq, const char *name, const char *cache);

#endif
