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
#include "tests/unit/support/settings.h"
#include "tests/unit/support/stderr.h"

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

static void a_blank_variable_counts_as_not_set(void **state)
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
    settings_complain_of("--port=65536", "PORT");
    settings_complain_of("--port=-1", "PORT");
    settings_complain_of("--batch-limit=0", "BATCH_LIMIT");
    settings_complain_of("--batch-limit=1025", "BATCH_LIMIT");
}

static void a_bad_value_is_one_clear_line(void **state)
{
    static const char *const flags[] = {"--port=",     "--port=80a",    "--port=0x10",
                                        "--port=1.5",  "--port=1 ",     "--port=99999999999999999999999999",
                                        "--port=port", "--port=--port", "--port=1e3"};

    (void)state;
    for (size_t i = 0; i < COUNT(flags); i++)
        settings_complain_of(flags[i], "PORT");
    settings_complain_of("--log-level=INFO", "LOG_LEVEL");
    settings_complain_of("--log-level=", "LOG_LEVEL");
    settings_complain_of("--bind-address=localhost", "BIND_ADDRESS");
    settings_complain_of("--prepared-statements=true", "PREPARED_STATEMENTS");
    settings_complain_of("--nonsense=1", "--nonsense");
    settings_complain_of("port=1", "argument 1");
    settings_complain_of("--port", "--port");
    setenv("BODY_LIMIT", "1k", 1);
    settings_complain_of(NULL, "BODY_LIMIT");
}

static void a_database_has_to_be_given(void **state)
{
    (void)state;
    unsetenv("DATABASE_URL");
    settings_complain_of(NULL, "DATABASE_URL");
    assert_int_equal(read_settings("--database-url=postgresql:///y"), SETTINGS_READY);
    assert_string_equal(settings.pg.url, "postgresql:///y");
    unsetenv("DATABASE_URL");
    assert_int_equal(read_settings("--openapi"), SETTINGS_OPENAPI);
    assert_int_equal(read_settings("--health-check"), SETTINGS_HEALTH_CHECK);
}

static void a_secret_comes_from_a_file_without_its_line_end(void **state)
{
    char name[] = "/tmp/unit-settings-XXXXXX";

    (void)state;
    settings_write_file(name, "postgresql:///secret\r\n");
    unsetenv("DATABASE_URL");
    setenv("DATABASE_URL_FILE", name, 1);
    assert_int_equal(read_settings(NULL), SETTINGS_READY);
    assert_string_equal(settings.pg.url, "postgresql:///secret");
    setenv("DATABASE_URL", "postgresql:///other", 1);
    settings_complain_of(NULL, "DATABASE_URL_FILE");
    unsetenv("DATABASE_URL");
    unlink(name);
    settings_complain_of(NULL, name);
}

static void a_secret_that_is_too_large_is_refused(void **state)
{
    char name[] = "/tmp/unit-settings-XXXXXX";
    static char large[9000];

    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    settings_write_file(name, large);
    unsetenv("DATABASE_URL");
    setenv("DATABASE_URL_FILE", name, 1);
    settings_complain_of(NULL, "DATABASE_URL_FILE");
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

static void a_command_is_kept_wherever_it_stands_among_the_flags(void **state)
{
    (void)state;
    assert_int_equal(read_settings("verify"), SETTINGS_READY);
    assert_ptr_equal(settings.command, &settings_commands[0]);
    assert_int_equal(read_settings("verify", "--port", "0"), SETTINGS_READY);
    assert_ptr_equal(settings.command, &settings_commands[0]);
    assert_int_equal(settings.port, 0);
    assert_int_equal(read_settings("--port=7", "verify", "--log-level", "error"), SETTINGS_READY);
    assert_ptr_equal(settings.command, &settings_commands[0]);
    assert_int_equal(read_settings("--port", "7", "count"), SETTINGS_READY);
    assert_ptr_equal(settings.command, &settings_commands[1]);
    assert_int_equal(read_settings("--cors-origins", "verify"), SETTINGS_BAD); /* a value, and a bad one */
    assert_int_equal(read_settings("--port=7"), SETTINGS_READY);
    assert_null(settings.command);
}

static void two_commands_at_once_are_refused(void **state)
{
    (void)state;
    stderr_keep();
    enum settings_status status = read_settings("verify", "--port=0", "count");
    assert_non_null(strstr(stderr_kept(), "verify and count"));
    assert_int_equal(status, SETTINGS_BAD);
}

#define test(name) cmocka_unit_test_setup(name, settings_clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_is_not_given_has_its_default),
        test(a_flag_wins_over_the_environment),
        test(a_blank_variable_counts_as_not_set),
        test(flags_are_spelt_with_dashes_or_underscores),
        test(the_ends_of_a_range_are_in_it),
        test(a_bad_value_is_one_clear_line),
        test(a_database_has_to_be_given),
        test(a_secret_comes_from_a_file_without_its_line_end),
        test(a_secret_that_is_too_large_is_refused),
        test(only_secrets_come_from_files),
        test(a_command_is_kept_wherever_it_stands_among_the_flags),
        test(two_commands_at_once_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
