/*
 * A limit for the memory that grows with the requests of clients, for the whole process.
 *
 * It counts arenas, bodies, buffers of libraries and the memory of connections in use. If memory does not fit
 * it is refused where that is possible, and the request is answered 503. Large holders must leave a part to
 * small ones, so that short requests are still answered beside requests of megabytes. Any thread may call
 * these functions; none of them waits.
 */
#ifndef COMMON_BASE_BUDGET_H
#define COMMON_BASE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/declare.h"

#define BUDGET_SMALL ((size_t)64 << 10) /* bytes: whoever holds at most this much is small */

/* Sets the limit in bytes; call it before any thread starts. Without it there is no limit. */
void budget_set_limit(size_t limit);
size_t budget_limit(void);

/*
 * Counts `bytes` more for a holder that already has `before` bytes. False: they do not fit, and nothing is
 * counted. Small holders may fill the limit, others seven eighths of it.
 */
bool budget_take(size_t bytes, size_t before) MUST_CHECK;

/* Counts bytes that cannot be refused, even beyond the limit. */
void budget_add(size_t bytes);

/* Subtracts bytes that were taken or added, when they are freed. */
void budget_give(size_t bytes);

/*
 * Keeps some memory aside for libraries, if none is kept; whether it is. libcurl (7.88 at least) does not
 * survive an allocation that fails: work that needs it begins only while there is a reserve.
 */
bool budget_reserve(void) MUST_CHECK;

/*
 * Like the functions of the C library, for the memory of other libraries: counted, even beyond the limit. If
 * the machine has no memory, they have the reserve.
 */
void *budget_malloc(size_t size);
void *budget_calloc(size_t count, size_t size);
void *budget_realloc(void *block, size_t size);
char *budget_strdup(const char *string);
void budget_free(void *block);

/*
 * Bytes counted now, how often something did not fit, and whether more than three quarters of the limit are
 * used.
 */
size_t budget_held(void);
uint64_t budget_refused(void);
bool budget_is_short(void);

#endif
