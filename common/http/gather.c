/*
 * The body of a request while it arrives. A short body is in the request's arena, a long one in a block of
 * its own that grows with the bytes received: a length that is only announced takes no memory.
 */
#include "common/http/internal.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/budget.h"

#define BODY_SHORT    ((size_t)2048)     /* bytes: the longest body in the arena */
#define BODY_FIRST    ((size_t)16 << 10) /* bytes: the first size of a block */
#define PASSED_LIMITS 8 /* how much of a body that is too large is read, as a multiple of the limit */

size_t body_limit_for(struct exchange *x, uint64_t len)
{
    if (!x->body_limit)
        x->body_limit = (size_t)x->http->settings->body_limit;
    if (len > x->body_limit && !x->body_limit_asked && x->http->hooks.body_limit) {
        x->body_limit_asked = true;
        x->body_limit = (size_t)x->http->hooks.body_limit(&x->rq);
    }
    return x->body_limit;
}

/*
 * Makes room for `len` bytes in a block of its own, of which there is never more than the announced length.
 */
static bool enlarge(struct exchange *x, size_t len)
{
    size_t whole = x->scan.content_length ? x->scan.content_length : SIZE_MAX;
    size_t size = x->body_size ? x->body_size : BODY_FIRST;

    while (size < len)
        size *= 2;
    size = size < whole ? size : whole;
    if (!budget_take(size - x->body_size, x->body_size + x->rq.arena.held))
        return false;
    char *body = realloc(x->body, size);
    if (!body) {
        budget_give(size - x->body_size);
        return false;
    }
    x->body = body;
    x->body_size = size;
    return true;
}

static bool make_room(struct exchange *x, size_t len)
{
    if (len <= x->body_size)
        return true;
    if (x->body_size || !x->scan.content_length || x->scan.content_length > BODY_SHORT)
        return enlarge(x, len);
    x->body = arena_alloc(&x->rq.arena, x->scan.content_length);
    x->body_in_arena = x->body != NULL;
    x->body_size = x->body ? x->scan.content_length : 0;
    return x->body;
}

void body_free(struct exchange *x)
{
    if (!x->body_in_arena) {
        budget_give(x->body_size);
        free(x->body);
    }
    x->body = NULL;
    x->body_size = x->body_len = 0;
}

/* Reads past the rest of a body that is not kept, until its end or until it is cut. */
static enum MHD_Result pass_over(struct exchange *x, size_t len, size_t limit)
{
    x->body_passed += len;
    if (x->body_passed <= PASSED_LIMITS * limit)
        return MHD_YES;
    x->connection->cut = true;
    return MHD_NO;
}

enum MHD_Result exchange_take(struct exchange *x, const char *bytes, size_t len)
{
    size_t limit = body_limit_for(x, x->body_len + len);

    if (!x->body_too_large && len > limit - x->body_len) {
        x->body_too_large = true;
        x->body_passed = x->body_len;
    }
    if (!x->body_too_large && !x->body_lost && !make_room(x, x->body_len + len))
        x->body_lost = true;
    if (x->body_too_large || x->body_lost) {
        body_free(x);
        return pass_over(x, len, limit);
    }
    memcpy(x->body + x->body_len, bytes, len);
    x->body_len += len;
    connection_owes(x->http, x->connection);
    return MHD_YES;
}
