#include "common/base/fiber.h"

#include <stdint.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(WITH_VALGRIND)
#include <valgrind/valgrind.h>
#endif

#if !defined(__x86_64__) && !defined(__aarch64__)
#define FIBER_UCONTEXT 1
#elif !defined(FIBER_UCONTEXT)
#define FIBER_UCONTEXT 0
#endif

#if FIBER_UCONTEXT
#include <ucontext.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_STACK ((size_t)512 << 10) /* instrumented frames are larger */
#else
#define FIBER_STACK ((size_t)64 << 10)
#endif

/*
 * Inaccessible bytes below a stack. No frame of ours is larger; a library that does not probe its frames
 * (-fstack-clash-protection) could only step over the guard with a frame larger than this.
 */
#define FIBER_GUARD ((size_t)64 << 10)

struct fiber {
    struct fiber *next; /* among the free ones */
    struct fiber_pool *pool;
    void (*entry)(void *arg);
    void *arg;
    char *stack; /* its lowest byte; the guard lies below */
    bool ended;
#if FIBER_UCONTEXT
    ucontext_t context;
#else
    void *stack_pointer;
#endif
#if defined(__SANITIZE_ADDRESS__)
    void *fake_stack;
#endif
#if defined(WITH_VALGRIND)
    unsigned valgrind_id;
#endif
};

/* What is needed to resume the loop's own stack; a thread has one loop. */
static _Thread_local struct {
    struct fiber *current;
#if FIBER_UCONTEXT
    ucontext_t context;
#else
    void *stack_pointer;
#endif
#if defined(__SANITIZE_ADDRESS__)
    void *fake_stack;
    const void *stack_bottom;
    size_t stack_size;
#endif
} loop_side;

#if !FIBER_UCONTEXT
/*
 * Saves the callee-saved registers and the stack pointer of this side and loads those of the other
 * (fiber_switch.S).
 */
void fiber_switch(void **save, void *load);

/* Makes a stack look as if fiber_switch had left it at the start of `entry` (fiber_switch.S pops the same
 * words). */
static void *prepare_stack(char *top, void (*entry)(void))
{
    uintptr_t *words = (uintptr_t *)((uintptr_t)top & ~(uintptr_t)15);

#if defined(__x86_64__)
    *--words = 0; /* keeps the alignment that a call leaves, and ends a backtrace */
    *--words = (uintptr_t)entry;
    for (int i = 0; i < 6; i++)
        *--words = 0;
#else
    words -= 20;
    for (int i = 0; i < 20; i++)
        words[i] = 0;
    words[11] = (uintptr_t)entry; /* x30, the link register */
#endif
    return words;
}
#endif

static void switch_to_fiber(struct fiber *fiber)
{
    loop_side.current = fiber;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&loop_side.fake_stack, fiber->stack, FIBER_STACK);
#endif
#if FIBER_UCONTEXT
    swapcontext(&loop_side.context, &fiber->context);
#else
    fiber_switch(&loop_side.stack_pointer, fiber->stack_pointer);
#endif
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(loop_side.fake_stack, NULL, NULL);
#endif
    loop_side.current = NULL;
}

static void switch_to_loop(struct fiber *fiber)
{
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(fiber->ended ? NULL : &fiber->fake_stack, loop_side.stack_bottom,
                                   loop_side.stack_size);
#endif
#if FIBER_UCONTEXT
    swapcontext(&fiber->context, &loop_side.context);
#else
    fiber_switch(&fiber->stack_pointer, loop_side.stack_pointer);
#endif
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fiber->fake_stack, &loop_side.stack_bottom, &loop_side.stack_size);
#endif
}

static void fiber_main(void)
{
    struct fiber *fiber = loop_side.current;

#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(NULL, &loop_side.stack_bottom, &loop_side.stack_size);
#endif
    fiber->entry(fiber->arg);
    fiber->ended = true;
    switch_to_loop(fiber);
    __builtin_unreachable();
}

static struct fiber *fiber_map(struct fiber_pool *pool)
{
    size_t size = FIBER_GUARD + FIBER_STACK;
    char *mapping = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (mapping == MAP_FAILED)
        return NULL;
    if (mprotect(mapping + FIBER_GUARD, FIBER_STACK, PROT_READ | PROT_WRITE) != 0) {
        munmap(mapping, size);
        return NULL;
    }
    /* The fiber itself sits at the top of its stack, in the page that is touched first anyway. */
    struct fiber *fiber = (struct fiber *)(mapping + size - ((sizeof(struct fiber) + 63) & ~(size_t)63));
    *fiber = (struct fiber){.pool = pool, .stack = mapping + FIBER_GUARD};
#if defined(WITH_VALGRIND)
    fiber->valgrind_id = VALGRIND_STACK_REGISTER(fiber->stack, fiber);
#endif
    return fiber;
}

static void fiber_unmap(struct fiber *fiber)
{
#if defined(WITH_VALGRIND)
    VALGRIND_STACK_DEREGISTER(fiber->valgrind_id);
#endif
    munmap(fiber->stack - FIBER_GUARD, FIBER_GUARD + FIBER_STACK);
}

static void unmap_idle(struct fiber_pool *pool)
{
    struct fiber *fiber = pool->idle;

    pool->idle = fiber->next;
    pool->idle_count--;
    fiber_unmap(fiber);
}

static void fiber_prepare(struct fiber *fiber)
{
    fiber->ended = false;
#if FIBER_UCONTEXT
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = (size_t)((char *)fiber - fiber->stack);
    fiber->context.uc_link = NULL;
    makecontext(&fiber->context, fiber_main, 0);
#else
    fiber->stack_pointer = prepare_stack((char *)fiber, fiber_main);
#endif
}

static void run(struct fiber *fiber)
{
    switch_to_fiber(fiber);
    if (!fiber->ended)
        return;
    struct fiber_pool *pool = fiber->pool;
    pool->running--;
    fiber->next = pool->idle;
    pool->idle = fiber;
    pool->idle_count++;
}

bool fiber_start(struct fiber_pool *pool, void (*entry)(void *arg), void *arg)
{
    if (pool->running >= pool->limit)
        return false;
    struct fiber *fiber = pool->idle;
    if (fiber) {
        pool->idle = fiber->next;
        pool->idle_count--;
    } else {
        fiber = fiber_map(pool);
        if (!fiber)
            return false;
    }
    fiber->entry = entry;
    fiber->arg = arg;
    fiber_prepare(fiber);
    if (++pool->running > pool->peak)
        pool->peak = pool->running;
    run(fiber);
    return true;
}

struct fiber *fiber_current(void)
{
    return loop_side.current;
}

void fiber_wait(void)
{
    switch_to_loop(loop_side.current);
}

void fiber_resume(struct fiber *fiber)
{
    run(fiber);
}

void fiber_pool_trim(struct fiber_pool *pool)
{
    while (pool->idle_count > FIBER_IDLE_MIN && pool->idle_count + pool->running > pool->peak)
        unmap_idle(pool);
    pool->peak = pool->running;
}

void fiber_pool_free(struct fiber_pool *pool)
{
    while (pool->idle)
        unmap_idle(pool);
}
