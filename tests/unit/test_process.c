#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/watch/process.h"

#define MEMORY ((size_t)64 << 20) /* bytes: much more than anything else here */

static struct process read_it(void)
{
    struct process p;

    assert_true(process_read(&p));
    return p;
}

static void an_opened_descriptor_is_counted_and_a_closed_one_is_not(void **state)
{
    struct process before = read_it();

    (void)state;
    int fd = open("/dev/null", O_RDONLY);
    assert_int_equal(read_it().open_descriptors, before.open_descriptors + 1);
    close(fd);
    assert_int_equal(read_it().open_descriptors, before.open_descriptors);
    assert_true(before.max_descriptors > before.open_descriptors);
}

static void memory_is_mapped_first_and_resident_when_it_was_touched(void **state)
{
    struct process before = read_it();

    (void)state;
    char *memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    struct process mapped = read_it();
    assert_true(mapped.virtual_bytes >= before.virtual_bytes + MEMORY);
    assert_true(mapped.resident_bytes < before.resident_bytes + MEMORY / 2);
    for (size_t i = 0; i < MEMORY; i += 4096)
        memory[i] = 1;
    assert_true(read_it().resident_bytes >= before.resident_bytes + MEMORY * 9 / 10);
    munmap(memory, MEMORY);
}

static void memory_is_private_after_it_is_written_and_gone_after_it_is_unmapped(void **state)
{
    uint64_t before = read_it().private_bytes;

    (void)state;
    char *memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    for (size_t i = 0; i < MEMORY; i += 4096)
        memory[i] = 1;
    uint64_t written = read_it().private_bytes;
    assert_in_range(written, before + MEMORY * 9 / 10, before + MEMORY * 11 / 10);
    munmap(memory, MEMORY);
    assert_true(read_it().private_bytes < before + MEMORY / 10);
}

static void work_costs_processor_time(void **state)
{
    struct process before = read_it();
    clock_t end = clock() + CLOCKS_PER_SEC / 20;

    (void)state;
    while (clock() < end)
        ;
    double spent = read_it().cpu_seconds - before.cpu_seconds;
    assert_true(spent >= 0.04 && spent < 1);
}

static void the_process_started_a_moment_ago(void **state)
{
    double now = (double)time(NULL);
    double started = read_it().start_time;

    (void)state;
    assert_true(started <= now + 2 && started > now - 600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_opened_descriptor_is_counted_and_a_closed_one_is_not),
        cmocka_unit_test(memory_is_mapped_first_and_resident_when_it_was_touched),
        cmocka_unit_test(memory_is_private_after_it_is_written_and_gone_after_it_is_unmapped),
        cmocka_unit_test(work_costs_processor_time),
        cmocka_unit_test(the_process_started_a_moment_ago),
    };

    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
