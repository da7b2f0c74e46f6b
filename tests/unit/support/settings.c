#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/declare.h"
#include "common/table/api.h"
#include "tests/unit/support/settings.h"
#include "tests/unit/support/stderr.h"

#define FLAGS_MAX 6

static int run_nothing(const struct settings *with, const struct api *api)
{
    (void)with, (void)api;
    return 0;
}

const struct command settings_commands[2] = {{"verify", "verifies", run_nothing},
                                             {"count", "counts", run_nothing}};
static const struct api api = {.name = "a-service",
                               .title = "A Service",
                               .port = 8099,
                               .commands = settings_commands,
                               .command_count = COUNT(settings_commands)};
struct settings settings;

int settings_clear(void **state)
{
    static char *none[] = {NULL};

    (void)state;
    environ = none;
    setenv("DATABASE_URL", "postgresql:///x", 1);
    return 0;
}

enum settings_status settings_read_with(const char *const *flags)
{
    char *argv[FLAGS_MAX + 1] = {NULL};
    int argc = 1;

    for (; *flags; flags++)
        argv[argc++] = (char *)(uintptr_t)*flags;
    return settings_read(&settings, &api, argc, argv);
}

void settings_complain_of(const char *flag, const char *name)
{
    stderr_keep();
    enum settings_status status = settings_read_with((const char *const[]){flag, NULL});
    const char *said = stderr_kept();
    assert_int_equal(status, SETTINGS_BAD);
    assert_non_null(strstr(said, name));
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
}

void settings_write_file(char *name, const char *content)
{
    int file = mkostemp(name, O_CLOEXEC);

    assert_true(file >= 0);
    assert_int_equal(write(file, content, strlen(content)), strlen(content));
    close(file);
}
