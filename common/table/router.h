/*
 * Routing: finds the endpoint of a raw path, segment by segment.
 *
 * The first endpoint whose path and method match is taken. A segment in braces matches any one segment that
 * is not empty; a slash at the end is a segment of its own, so `/users` and `/users/` differ.
 */
#ifndef COMMON_TABLE_ROUTER_H
#define COMMON_TABLE_ROUTER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/text.h"
#include "common/shape/shape.h"
#include "common/table/api.h"

#define SEGMENTS_MAX 8 /* of a path in the table; a request's path with more matches nothing */

struct router;

struct route {
    const struct endpoint *endpoint; /* NULL: no endpoint has this path and method */
    unsigned allowed; /* bits of the methods that the path has, 1 << METHOD_…; 0: no such path */
    struct named_text parameters[SEGMENTS_MAX]; /* raw: not percent-decoded */
    size_t parameter_count;
};

/* Prepares the table of a service; NULL when memory is exhausted. */
struct router *router_open(const struct api *api);
void router_close(struct router *router);

/* Finds the endpoint of a raw path (without query). */
void router_find(const struct router *router, enum method method, struct text raw_path, struct route *route);

/* Percent-decodes (RFC 3986, section 2.1); `plus` makes `+` a space, as in queries. Null when memory is
 * exhausted. */
struct text percent_decode(struct arena *arena, struct text raw, bool plus);

/* The method by its name; METHOD_OTHER for any that no endpoint can have. */
enum method method_of(struct text name);

extern const char *const method_names[];

#endif
