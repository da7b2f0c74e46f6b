/* Settings: every type and range, flags and environment, secrets from files, one clear line when something is
 * wrong. */
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
#include "common/serve/settings.h"
#include "common/table/api.h"
#include "tests/unit/support/stderr.h"

#define FLAGS_MAX 6

static const struct api api = {.name = "a-service", .title = "A Service", .port = 8099};
static struct settings settings;

static int clear(void **state)
{
    static char *none[] = {NULL};

    (void)state;
    environ = none;
    setenv("DATABASE_URL", "postgresql:///x", 1);
    return 0;
}

/* Reads the settings with these flags, ended by NULL. */
static enum settings_status read_with(const char *const *flags)
{
    char *argv[FLAGS_MAX + 1] = {NULL};
    int argc = 1;

    for (; *flags; flags++)
        argv[argc++] = (char *)(uintptr_t)*flags;
    return settings_read(&settings, &api, argc, argv);
}

#define read_settings(...) read_with((const char *const[]){__VA_ARGS__, NULL})

/* Whether reading fails with one line on stderr that names the setting. */
static void assert_complaint(const char *flag, const char *name)
{
    stderr_keep();
    enum settings_status status = read_settings(flag);
    const char *said = stderr_kept();
    assert_int_equal(status, SETTINGS_BAD);
    assert_non_null(strstr(said, name));
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
}

static void what_is_not_given_has_its_default(void **state)
{
    (void)state;
    assert_int_equal(read_settings(NULL), SETTINGS_READY);
    assert_int_equal(settings.port, 8099);
    assert_string_equal(settings.bind_address, "127.0.0.1");
    assert_int_equal(settings.http.body_limit, 1 << 20);
    assert_int_equal(settings.log.level, LOG_INFO);
    assert_true(settings.pg.prepared_statements);
    assert_true(settings.workers >= 1);
    setenv("PORT", "", 1); /* as compose writes what is not set */
    assert_int_equal(read_settings(NULL), SETTINGS_READY);
    assert_int_equal(settings.port, 8099);
}

static void a_flag_wins_over_the_environment(void **state)
{
    (void)state;
    setenv("PORT", "1000", 1);
    setenv("LOG_LEVEL", "error", 1);
    setenv("PREPARED_STATEMENTS", "off", 1);
    assert_int_equal(read_settings(NULL), SETTINGS_READY);
    assert_int_equal(settings.port, 1000);
    assert_int_equal(settings.log.level, LOG_ERROR);
    assert_false(settings.pg.prepared_statements);
    assert_int_equal(read_settings("--port", "2000", "--log-level=debug"), SETTINGS_READY);
    assert_int_equal(settings.port, 2000);
    assert_int_equal(settings.log.level, LOG_DEBUG);
}

static void a_blank_variable_is_as_one_that_is_not_there(void **state)
{
    (void)state;
    setenv("AUTH0_DOMAIN", " ", 1);
    setenv("SERVICE_TOKEN", "", 1);
    setenv("SERVICE_TOKEN_FILE", " \t", 1);
    setenv("PORT", " ", 1);
    assert_int_equal(read_settings(NULL), SETTINGS_READY);
    assert_int_equal(settings.port, 8099);
    assert_null(settings.auth.jwks_url);
    assert_null(settings.auth.service_token);
}

static void flags_are_spelt_with_dashes_or_underscores(void **state)
{
    (void)state;
    assert_int_equal(read_settings("--request-timeout-ms=123", "--body_limit", "2048"), SETTINGS_READY);
    assert_int_equal(settings.request_timeout, 123);
    assert_int_equal(settings.http.body_limit, 2048);
    assert_int_equal(read_settings("--bind_address=::1"), SETTINGS_READY);
    assert_string_equal(settings.bind_address, "::1");
}

static void the_ends_of_a_range_are_in_it(void **state)
{
    (void)state;
    assert_int_equal(read_settings("--port=0"), SETTINGS_READY);
    assert_int_equal(read_settings("--port=65535"), SETTINGS_READY);
    assert_int_equal(read_settings("--batch-limit=1024"), SETTINGS_READY);
    assert_complaint("--port=65536", "PORT");
    assert_complaint("--port=-1", "PORT");
    assert_complaint("--batch-limit=0", "BATCH_LIMIT");
    assert_complaint("--batch-limit=1025", "BATCH_LIMIT");
}

static void a_bad_value_is_one_clear_line(void **state)
{
    static const char *const flags[] = {"--port=",     "--port=80a",    "--port=0x10",
                                        "--port=1.5",  "--port=1 ",     "--port=99999999999999999999999999",
                                        "--port=port", "--port=--port", "--port=1e3"};

    (void)state;
    for (size_t i = 0; i < COUNT(flags); i++)
        assert_complaint(flags[i], "PORT");
    assert_complaint("--log-level=INFO", "LOG_LEVEL");
    assert_complaint("--log-level=", "LOG_LEVEL");
    assert_complaint("--prepared-statements=true", "PREPARED_STATEMENTS");
    assert_complaint("--nonsense=1", "--nonsense");
    assert_complaint("port=1", "port=1");
    assert_complaint("--port", "--port");
    setenv("BODY_LIMIT", "1k", 1);
    assert_complaint(NULL, "BODY_LIMIT");
}

static void a_database_has_to_be_given(void **state)
{
    (void)state;
    unsetenv("DATABASE_URL");
    assert_complaint(NULL, "DATABASE_URL");
    assert_int_equal(read_settings("--database-url=postgresql:///y"), SETTINGS_READY);
    assert_string_equal(settings.pg.url, "postgresql:///y");
    unsetenv("DATABASE_URL");
    assert_int_equal(read_settings("--openapi"), SETTINGS_OPENAPI);
    assert_int_equal(read_settings("--health-check"), SETTINGS_HEALTH_CHECK);
}

static void write_file(char *name, const char *content)
{
    int file = mkostemp(name, O_CLOEXEC);

    assert_true(file >= 0);
    assert_int_equal(write(file, content, strlen(content)), strlen(content));
    close(file);
}

static void a_secret_comes_from_a_file_without_its_line_end(void **state)
{
    char name[] = "/tmp/unit-settings-XXXXXX";

    (void)state;
    write_file(name, "postgresql:///secret\r\n");
    unsetenv("DATABASE_URL");
    setenv("DATABASE_URL_FILE", name, 1);
    assert_int_equal(read_settings(NULL), SETTINGS_READY);
    assert_string_equal(settings.pg.url, "postgresql:///secret");
    setenv("DATABASE_URL", "postgresql:///other", 1);
    assert_complaint(NULL, "DATABASE_URL_FILE");
    unsetenv("DATABASE_URL");
    unlink(name);
    assert_complaint(NULL, name);
}

static void a_secret_that_is_too_large_is_refused(void **state)
{
    char name[] = "/tmp/unit-settings-XXXXXX";
    static char large[9000];

    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    write_file(name, large);
    unsetenv("DATABASE_URL");
    setenv("DATABASE_URL_FILE", name, 1);
    assert_complaint(NULL, "DATABASE_URL_FILE");
    unlink(name);
}

/* What is no secret is no file's either. */
static void only_secrets_come_from_files(void **state)
{
    (void)state;
    setenv("PORT_FILE", "/nonexistent", 1);
    assert_int_equal(read_settings(NULL), SETTINGS_READY);
    assert_int_equal(settings.port, 8099);
}

#define test(name) cmocka_unit_test_setup(name, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_is_not_given_has_its_default),
        test(a_flag_wins_over_the_environment),
        test(a_blank_variable_is_as_one_that_is_not_there),
        test(flags_are_spelt_with_dashes_or_underscores),
        test(the_ends_of_a_range_are_in_it),
        test(a_bad_value_is_one_clear_line),
        test(a_database_has_to_be_given),
        test(a_secret_comes_from_a_file_without_its_line_end),
        test(a_secret_that_is_too_large_is_refused),
        test(only_secrets_come_from_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
