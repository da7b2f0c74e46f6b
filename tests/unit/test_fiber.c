/* Fibers: switching, limits, the pool of stacks and their guard pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/fiber.h"

#define MANY (FIBER_IDLE_MIN + 50)

static struct fiber_pool pool;

static int new_pool(void **state)
{
    (void)state;
    pool = (struct fiber_pool){.limit = MANY};
    return 0;
}

static int free_pool(void **state)
{
    (void)state;
    fiber_pool_free(&pool);
    return 0;
}

/* What happened, in its order. */
static char story[64];

static void tell(char c)
{
    size_t len = strlen(story);

    assert_true(len + 1 < sizeof(story));
    story[len] = c;
    story[len + 1] = '\0';
}

struct visitor {
    struct fiber *self;
    char name;
    int waits;
    double sum;
};

static void visit(void *arg)
{
    struct visitor *v = arg;

    v->self = fiber_current();
    for (int i = 0; i < v->waits; i++) {
        tell(v->name);
        fiber_wait();
        assert_ptr_equal(fiber_current(), v->self);
    }
    tell((char)(v->name - 'a' + 'A'));
}

static void a_fiber_runs_until_it_waits_and_goes_on_where_it_was(void **state)
{
    struct visitor a = {.name = 'a', .waits = 2}, b = {.name = 'b', .waits = 1};

    (void)state;
    story[0] = '\0';
    assert_true(fiber_start(&pool, visit, &a));
    assert_null(fiber_current());
    assert_true(fiber_start(&pool, visit, &b));
    fiber_resume(a.self);
    fiber_resume(b.self);
    assert_int_equal(pool.running, 1);
    fiber_resume(a.self);
    assert_string_equal(story, "abaBA");
    assert_int_equal(pool.running, 0);
    assert_null(fiber_current());
}

/* Sums of its own in integer and floating-point registers, over many waits. */
static void add_up(void *arg)
{
    struct visitor *v = arg;
    double sum = 0;
    long count = 0;

    v->self = fiber_current();
    for (int i = 0; i < v->waits; i++) {
        sum += v->name * 0.5;
        count += v->name;
        fiber_wait();
    }
    v->sum = sum + (double)count;
}

static void what_a_fiber_computes_is_its_own(void **state)
{
    enum { ROUNDS = 20 };
    static struct visitor visitors[MANY];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        visitors[i] = (struct visitor){.name = (char)(i % 100), .waits = ROUNDS};
        assert_true(fiber_start(&pool, add_up, &visitors[i]));
    }
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < MANY; i++)
            fiber_resume(visitors[(i * 7 + round) % MANY].self);
    for (int i = 0; i < MANY; i++)
        assert_true(visitors[i].sum == ROUNDS * (i % 100) * 1.5);
    assert_int_equal(pool.running, 0);
}

static void no_more_fibers_run_than_the_limit_allows(void **state)
{
    struct visitor a = {.name = 'a', .waits = 1}, b = {.name = 'b', .waits = 1}, c = {.name = 'c'};

    (void)state;
    story[0] = '\0';
    pool.limit = 2;
    assert_true(fiber_start(&pool, visit, &a));
    assert_true(fiber_start(&pool, visit, &b));
    assert_false(fiber_start(&pool, visit, &c));
    assert_string_equal(story, "ab");
    fiber_resume(a.self);
    assert_true(fiber_start(&pool, visit, &c));
    fiber_resume(b.self);
    assert_string_equal(story, "abACB");
}

static void free_stacks_are_reused_and_unused_ones_are_freed(void **state)
{
    static struct visitor visitors[MANY];
    struct visitor again = {.name = 'a', .waits = 1};

    (void)state;
    for (int i = 0; i < MANY; i++) {
        visitors[i].waits = 1;
        assert_true(fiber_start(&pool, add_up, &visitors[i]));
    }
    for (int i = 0; i < MANY; i++)
        fiber_resume(visitors[i].self);
    fiber_pool_trim(&pool);
    assert_int_equal(pool.idle_count, MANY); /* all were in use since */
    struct fiber *free_one = pool.idle;
    assert_true(fiber_start(&pool, add_up, &again));
    assert_ptr_equal(again.self, free_one);
    assert_int_equal(pool.idle_count, MANY - 1);
    fiber_resume(again.self);
    fiber_pool_trim(&pool);
    assert_int_equal(pool.idle_count, FIBER_IDLE_MIN);
}

struct ground {
    uintptr_t lowest;  /* of the mapping that a fiber's stack is in */
    uintptr_t guarded; /* bytes right below it that nobody may touch */
};

static void look_at_the_ground(void *arg)
{
    struct ground *ground = arg;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    uintptr_t guard_start = 0, guard_end = 0;
    char line[512], rights[8] = "";
    FILE *maps = fopen("/proc/self/maps", "re");

    assert_non_null(maps);
    while (!ground->lowest && fgets(line, sizeof(line), maps)) {
        char *end;
        uintptr_t from = strtoul(line, &end, 16), to = strtoul(end + 1, &end, 16);
        memcpy(rights, end + 1, 4);
        if (strcmp(rights, "---p") == 0)
            guard_start = from, guard_end = to;
        if (here >= from && here < to) {
            ground->lowest = from;
            ground->guarded = guard_end == from ? guard_end - guard_start : 0;
        }
    }
    fclose(maps);
}

static void a_page_below_a_stack_cannot_be_written(void **state)
{
    struct ground ground = {0};

    (void)state;
    assert_true(fiber_start(&pool, look_at_the_ground, &ground));
    assert_true(ground.lowest != 0);
    assert_true(ground.guarded >= (uintptr_t)sysconf(_SC_PAGESIZE));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL); /* cmocka's handler would go on with the tests */
        *(volatile char *)(ground.lowest - 1) = 1;
        _exit(EXIT_SUCCESS);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

#define test(name) cmocka_unit_test_setup_teardown(name, new_pool, free_pool)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_fiber_runs_until_it_waits_and_goes_on_where_it_was),
        test(what_a_fiber_computes_is_its_own),
        test(no_more_fibers_run_than_the_limit_allows),
        test(free_stacks_are_reused_and_unused_ones_are_freed),
        test(a_page_below_a_stack_cannot_be_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
