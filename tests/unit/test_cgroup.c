#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/stat.h>

#include "common/base/cgroup.h"

#define MIB UINT64_C(1048576)

static char root[64];

static int make_root(void **state)
{
    (void)state;
    strcpy(root, "/tmp/test-cgroup-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    char command[96];

    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", root);
    return system(command);
}

/* Writes a file below the root, its folders too. */
static void put(const char *path, const char *text)
{
    char full[256];

    snprintf(full, sizeof(full), "%s%s", root, path);
    for (char *slash = strchr(full + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(full, 0755);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void without_groups_there_is_no_limit(void **state)
{
    (void)state;
    assert_true(cgroup_memory_limit(root) == UINT64_MAX);
}

static void the_smallest_limit_up_to_the_root_counts(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/a.slice/b.scope\n");
    put("/sys/fs/cgroup/a.slice/b.scope/memory.max", "max\n");
    put("/sys/fs/cgroup/a.slice/memory.max", "268435456\n");
    assert_int_equal(cgroup_memory_limit(root), 256 * MIB);
    put("/sys/fs/cgroup/memory.max", "134217728\n");
    assert_int_equal(cgroup_memory_limit(root), 128 * MIB);
}

static void a_container_that_sees_only_its_root_finds_its_limit(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/docker/0123\n");
    put("/sys/fs/cgroup/memory.max", "268435456\n");
    assert_int_equal(cgroup_memory_limit(root), 256 * MIB);
}

static void version_1_is_read_too(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "9:cpu,cpuacct:/x\n4:hugetlb,memory:/docker/0123\n0::/\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("/sys/fs/cgroup/memory/docker/0123/memory.limit_in_bytes", "67108864\n");
    assert_int_equal(cgroup_memory_limit(root), 64 * MIB);
}

static void the_share_is_half_of_the_limit_or_an_eighth_of_the_machine(void **state)
{
    (void)state;
    assert_int_equal(cgroup_memory_share(256 * MIB, 4096 * MIB), 128 * MIB);
    assert_int_equal(cgroup_memory_share(UINT64_MAX, 4096 * MIB), 512 * MIB);
    assert_int_equal(cgroup_memory_share(UINT64_C(9223372036854771712), 256 * MIB), 64 * MIB);
    assert_int_equal(cgroup_memory_share(UINT64_MAX, 65536 * MIB), 1024 * MIB);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)
    const struct CMUnitTest tests[] = {
        TEST(without_groups_there_is_no_limit),
        TEST(the_smallest_limit_up_to_the_root_counts),
        TEST(a_container_that_sees_only_its_root_finds_its_limit),
        TEST(version_1_is_read_too),
        TEST(the_share_is_half_of_the_limit_or_an_eighth_of_the_machine),
    };

    return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
