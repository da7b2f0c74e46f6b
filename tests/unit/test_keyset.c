/* The key set of a process: what its workers do while one of them waits or has no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include <cmocka.h>

#include "common/auth/auth.h"
#include "common/auth/keyset.h"
#include "common/auth/settings.h"
#include "common/base/fiber.h"
#include "common/base/loop.h"
#include "common/http/request.h"
#include "tests/unit/support/stand.h"

#define PADDING ((size_t)40 << 10) /* bytes: such a set is read in more than one turn */
#define PATH    "/tmp/keyset-XXXXXX"
#define STUCK   30 /* seconds until a test that stands still is ended */

static char path[] = PATH;
static struct auth_settings settings = {.jwks_url = path, .issuer = "i", .audience = "a"};
static struct loop loop;
static struct fiber_pool fibers;
static struct keyset *keyset;
static struct jwt_keys *copied;

static int begin(void **state)
{
    memcpy(path, PATH, sizeof(PATH));
    int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

    (void)state;
    if (!file)
        return -1;
    fprintf(file,
            "{\"padding\": \"%*s\", \"keys\": [{\"kty\": \"EC\", \"crv\": \"P-256\","
            " \"x\": \"XljFaJnvNOpcbpQdPwfziYwFu0cjTkL8u3Lz0r_Liik\","
            " \"y\": \"AkMJwM7wyCHBXlYI7kpK4JqZKMKT5JefBIJ9OQb_BCE\"}]}",
            (int)PADDING, "");
    if (fclose(file) != 0 || !loop_open(&loop))
        return -1;
    alarm(STUCK);
    fibers.limit = 1;
    keyset = keyset_new(&settings);
    return keyset ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    alarm(0);
    keyset_free(keyset);
    fiber_pool_free(&fibers);
    loop_close(&loop);
    unlink(path);
    return 0;
}

static void fetch(void)
{
    struct arena arena = {0};

    keyset_fetch(keyset, NULL, &arena, 0);
    arena_free(&arena);
    assert_int_equal(keyset_generation(keyset), 1);
}

static void copy(void *unused)
{
    uint64_t generation;

    (void)unused;
    copied = keyset_copy(keyset, &generation);
}

static void a_copy_that_waits_keeps_nobody_waiting(void **state)
{
    uint64_t generation;

    (void)state;
    fetch();
    loop_turn(&loop, 0);
    while (clock_monotonic() - loop.now < 10 * MILLISECOND) /* the turn is long */
        (void)usleep(1000);
    copied = NULL;
    assert_true(fiber_start(&fibers, copy, NULL));
    assert_null(copied); /* it goes on in the next turn */
    struct jwt_keys *keys = keyset_copy(keyset, &generation);
    assert_non_null(keys);
    jwt_keys_free(keys);
    while (!copied)
        loop_turn(&loop, SECOND);
    assert_int_equal(jwt_keys_count(copied), 1);
    jwt_keys_free(copied);
}

static void the_keeper_tries_again_if_there_was_no_room_for_a_fetch(void **state)
{
    const struct auth_base base = {&settings, keyset, &loop, &fibers, NULL};

    (void)state;
    fibers.limit = 0;
    struct auth *auth = auth_open(&base, true);
    assert_non_null(auth);
    loop_turn(&loop, 0);
    assert_int_equal(keyset_generation(keyset), 0);
    fibers.limit = 1;
    for (int64_t until = clock_monotonic() + STAND_PATIENCE; !keyset_generation(keyset);) {
        assert_true(clock_monotonic() < until);
        loop_turn(&loop, SECOND);
    }
    auth_close(auth);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_copy_that_waits_keeps_nobody_waiting, begin, end),
        cmocka_unit_test_setup_teardown(the_keeper_tries_again_if_there_was_no_room_for_a_fetch, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
