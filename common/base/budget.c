#include "common/base/budget.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define LEFT_FOR_SMALL 8                  /* large holders must leave this part of the limit: one eighth */
#define RESERVE        ((size_t)64 << 10) /* bytes that a library has when the machine has no more */

static size_t limit = SIZE_MAX;
static _Atomic size_t held;
static _Atomic uint64_t refused;
static void *_Atomic reserve;

void budget_set_limit(size_t bytes)
{
    limit = bytes;
}

size_t budget_limit(void)
{
    return limit;
}

bool budget_take(size_t bytes, size_t before)
{
    bool small = bytes <= BUDGET_SMALL && before <= BUDGET_SMALL - bytes;
    size_t most = small ? limit : limit - limit / LEFT_FOR_SMALL;
    size_t now = atomic_fetch_add_explicit(&held, bytes, memory_order_relaxed);

    if (bytes <= most && now <= most - bytes)
        return true;
    budget_give(bytes);
    atomic_fetch_add_explicit(&refused, 1, memory_order_relaxed);
    return false;
}

void budget_add(size_t bytes)
{
    atomic_fetch_add_explicit(&held, bytes, memory_order_relaxed);
}

void budget_give(size_t bytes)
{
    atomic_fetch_sub_explicit(&held, bytes, memory_order_relaxed);
}

static void *counted(void *block)
{
    if (block)
        budget_add(malloc_usable_size(block));
    return block;
}

bool budget_reserve(void)
{
    void *none = NULL;

    if (atomic_load(&reserve))
        return true;
    void *fresh = malloc(RESERVE);
    if (fresh && !atomic_compare_exchange_strong(&reserve, &none, fresh))
        free(fresh);
    return fresh != NULL;
}

/* Whether an allocation that failed may work now. */
static bool spend_reserve(void)
{
    void *spent = atomic_exchange(&reserve, NULL);

    free(spent);
    return spent != NULL;
}

void *budget_malloc(size_t size)
{
    void *block = malloc(size);

    return counted(block || !spend_reserve() ? block : malloc(size));
}

void *budget_calloc(size_t count, size_t size)
{
    void *block = calloc(count, size);

    return counted(block || !spend_reserve() ? block : calloc(count, size));
}

void *budget_realloc(void *block, size_t size)
{
    size_t before = malloc_usable_size(block);
    void *other = realloc(block, size);

    if (!other && size && spend_reserve())
        other = realloc(block, size);
    if (other || !size)
        budget_give(before);
    return counted(other);
}

char *budget_strdup(const char *string)
{
    size_t size = strlen(string) + 1;
    char *copy = budget_malloc(size);

    return copy ? memcpy(copy, string, size) : NULL;
}

void budget_free(void *block)
{
    budget_give(malloc_usable_size(block));
    free(block);
}

size_t budget_held(void)
{
    return atomic_load_explicit(&held, memory_order_relaxed);
}

uint64_t budget_refused(void)
{
    return atomic_load_explicit(&refused, memory_order_relaxed);
}

bool budget_is_short(void)
{
    return budget_held() > limit - limit / 4;
}
