/*
 * The memory that grows with what clients do, counted for the whole process against one limit.
 *
 * Arenas, bodies, buffers of libraries and the memory of connections in use are counted. What does not fit is
 * refused where it can be, and its request is answered 503. Small holders may use what large ones must leave,
 * so that a short request is answered beside requests for megabytes. Any thread may call.
 */
#ifndef COMMON_BASE_BUDGET_H
#define COMMON_BASE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/declare.h"

#define BUDGET_SMALL ((size_t)64 << 10) /* bytes: whoever holds no more is small */

/* Sets the limit in bytes, before any thread starts; until then there is none. */
void budget_set_limit(size_t limit);
size_t budget_limit(void);

/*
 * Counts `bytes` more for somebody who holds `before` already. False: they do not fit, and nothing is
 * counted. Small holders may fill the limit, others seven eighths of it.
 */
bool budget_take(size_t bytes, size_t before) MUST_CHECK;

/* Counts bytes that are there anyway, beyond the limit too. */
void budget_add(size_t bytes);

/* Bytes that were taken or added are free again. */
void budget_give(size_t bytes);

/* Those of the C library, which count what they give and never refuse it: for other libraries' memory. */
void *budget_malloc(size_t size);
void *budget_calloc(size_t count, size_t size);
void *budget_realloc(void *block, size_t size);
char *budget_strdup(const char *string);
void budget_free(void *block);

/* What is counted now, how often something did not fit, and whether three quarters of the limit are used. */
size_t budget_held(void);
uint64_t budget_refused(void);
bool budget_is_short(void);

#endif
