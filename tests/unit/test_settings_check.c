/* What is refused at the start although its type is right, and that no secret is repeated. */
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

#define PASSWORD "Tr0ub4dor"

/* Whether a value is refused with one line that names the setting and tells nothing of the value's secret. */
static void assert_refused(const char *name, const char *value)
{
    setenv(name, value, 1);
    stderr_keep();
    enum settings_status status = read_settings(NULL);
    const char *said = stderr_kept();
    if (status != SETTINGS_BAD)
        fail_msg("%s=%s is taken", name, value);
    assert_non_null(strstr(said, name));
    assert_null(strstr(said, PASSWORD));
    assert_null(strstr(said, "zz"));
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
    unsetenv(name);
}

static void a_bad_database_url_is_refused_and_never_repeated(void **state)
{
    static const char *const urls[] = {
        "postgresql://app:" PASSWORD "%zz@127.0.0.1/db",
        "jdbc:postgresql://127.0.0.1/db?user=app&password=" PASSWORD,
        "mysql://app:" PASSWORD "@127.0.0.1/db",
        "postgresql+://app:" PASSWORD "@h:0/db",
        "postgresqlx+psycopg2://app:" PASSWORD "@h/db",
        "app:" PASSWORD "@127.0.0.1/db",
        "host=127.0.0.1 password=" PASSWORD,
        "postgresql://app:" PASSWORD "@h/db?sslmode=bogus",
        "postgresql://app:" PASSWORD "@h/db?sslmode=Require",
        "postgresql://app:" PASSWORD "@h/db?target_session_attrs=master",
        "postgresql://app:" PASSWORD "@h/db?connect_timeout=soon",
        "postgresql://app:" PASSWORD "@h/db?nonsense=1",
        "postgresql://app:" PASSWORD "@h:54x2/db",
        "postgresql://app:" PASSWORD "@h:0/db",
        "postgresql://app:" PASSWORD "@h:65536/db",
        "postgresql://app:" PASSWORD "@h:-1/db",
        "postgresql://app:" PASSWORD "@a:1,b:x/db",
        "postgresql://app:" PASSWORD "@/db?host=a,b&port=1,2,3",
        "postgresql://app:" PASSWORD "@/db?hostaddr=localhost",
        "postgresql://app:" PASSWORD "@[::1/db",
        "postgresql://app:" PASSWORD "@h/db?sslmode",
        "postgresql://app:" PASSWORD "@h/db?service=main",
        "postgresql:///?service=" PASSWORD,
        "postgresql://app:" PASSWORD "@zz@127.0.0.1/db",
        "postgresql://app:" PASSWORD "@h/db?host=a,zz@b",
        "postgresql://app:" PASSWORD "@h/db\n",
        "postgresql://app:" PASSWORD "@h/d\tb",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(urls); i++) {
        assert_refused("DATABASE_URL", urls[i]);
        setenv("DATABASE_URL", "postgresql:///x", 1);
        assert_refused("DATABASE_READ_URL", urls[i]);
    }
    settings_complain_of("--database-url=", "DATABASE_URL");
}

static void a_valid_database_url_is_accepted_unchanged(void **state)
{
    static const char *const urls[] = {
        "postgresql://",
        "postgres://app:p%40ss@127.0.0.1:5432/db?sslmode=verify-full&target_session_attrs=read-write",
        "postgresql://a:1,b:2,[::1]:3/db?connect_timeout=3",
        "postgresql:///db?host=/var/run/postgresql&port=5433",
        "postgresql://%2Fvar%2Frun%2Fa@b/db",
        "postgresql:///db?host=@abstract",
        "postgresql://a,b/db?port=5432",
        "postgresql://h/db?options=-csearch_path%3Dx&application_name=y",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(urls); i++) {
        setenv("DATABASE_URL", urls[i], 1);
        assert_int_equal(read_settings(NULL), SETTINGS_READY);
        assert_string_equal(settings.pg.url, urls[i]);
    }
}

static void a_database_url_with_the_name_of_a_driver_is_accepted_without_it(void **state)
{
    static const char *const urls[] = {"postgresql+psycopg2://app:x@h:1/db?sslmode=disable",
                                       "postgresql+asyncpg://app:x@h:1/db?sslmode=disable",
                                       "postgres+psycopg://app:x@h:1/db?sslmode=disable"};

    (void)state;
    for (size_t i = 0; i < COUNT(urls); i++) {
        setenv("DATABASE_URL", urls[i], 1);
        setenv("DATABASE_READ_URL", urls[i], 1);
        assert_int_equal(read_settings(NULL), SETTINGS_READY);
        assert_string_equal(settings.pg.url, "postgresql://app:x@h:1/db?sslmode=disable");
        assert_string_equal(settings.pg.read_url, settings.pg.url);
        free((char *)(uintptr_t)settings.pg.url);
        free((char *)(uintptr_t)settings.pg.read_url);
    }
}

static void a_bad_url_of_another_service_is_refused_and_never_repeated(void **state)
{
    static const char *const names[] = {"USER_PROGRESS_SERVICE_URL", "USER_SVC_BASE_URL"};
    static const char *const urls[] = {
        "not-a-url",
        "127.0.0.1:8004",
        "//127.0.0.1:8004",
        "ftp://h",
        "http://",
        "http:///path",
        "http://h:99999",
        "http://h:0",
        "http://h:",
        "http://h:80x",
        "http://h:1:2",
        "http://h h",
        "http://h\tx",
        "http://[::1",
        "http://[::x]",
        "http://[]",
        "http://::1",
        "http://h#x",
        "http://h/?a=b",
        "http://a..b",
        "http://\xc3\xa9",
        "http://h/\x7f",
        "http://h\\x",
        "http://-h",
        "http://app:" PASSWORD "@h",
        "https://app:" PASSWORD "zz@h:1/x",
    };

    (void)state;
    for (size_t n = 0; n < COUNT(names); n++)
        for (size_t i = 0; i < COUNT(urls); i++)
            assert_refused(names[n], urls[i]);
    settings_complain_of("--user_svc_base_url=not-a-url", "USER_SVC_BASE_URL");
    settings_complain_of("--user-progress-service-url=", "USER_PROGRESS_SERVICE_URL");
}

static void a_valid_url_of_another_service_is_accepted(void **state)
{
    static const char *const urls[] = {"http://user-progress:8000", "https://h/",
                                       "HTTP://127.0.0.1:65535/a/b%20c", "http://[::1]:8004/",
                                       "http://user_progress.local:1"};

    (void)state;
    for (size_t i = 0; i < COUNT(urls); i++) {
        setenv("USER_PROGRESS_SERVICE_URL", urls[i], 1);
        setenv("USER_SVC_BASE_URL", urls[i], 1);
        assert_int_equal(read_settings(NULL), SETTINGS_READY);
        assert_string_equal(settings.directory.user_progress_url, urls[i]);
    }
}

static void a_bad_address_of_a_key_set_is_refused(void **state)
{
    static const char *const urls[] = {"http://h/jwks", "https://",      "https://h:x/",
                                       "file:",         "file:relative", "file://other/jwks.json",
                                       "jwks.json",     "https://h/a b", "https://app:" PASSWORD "@h/"};
    static const char *const good[] = {"https://h/jwks?tenant=x", "file:///jwks.json", "file:/jwks.json",
                                       "file://localhost/jwks.json", "/jwks.json"};

    (void)state;
    setenv("AUTH_ISSUER", "https://i/", 1);
    setenv("AUTH_AUDIENCE", "a", 1);
    for (size_t i = 0; i < COUNT(urls); i++)
        assert_refused("AUTH_JWKS_URL", urls[i]);
    for (size_t i = 0; i < COUNT(good); i++) {
        setenv("AUTH_JWKS_URL", good[i], 1);
        assert_int_equal(read_settings(NULL), SETTINGS_READY);
    }
    assert_refused("AUTH0_DOMAIN", "https://x");
    assert_refused("AUTH_CA_FILE", "/nonexistent");
}

static void an_issuer_or_audience_with_a_line_break_is_refused(void **state)
{
    (void)state;
    setenv("AUTH_JWKS_URL", "file:///jwks.json", 1);
    setenv("AUTH_AUDIENCE", "a", 1);
    assert_refused("AUTH_ISSUER", "https://i/\n");
    setenv("AUTH_ISSUER", "https://i/", 1);
    assert_refused("AUTH_AUDIENCE", "a\n");
}

static void a_blank_issuer_or_audience_or_one_with_blanks_around_it_is_refused(void **state)
{
    static const char *const values[] = {" https://i/", "https://i/ ", "\thttps://i/"};

    (void)state;
    setenv("AUTH0_DOMAIN", "x.example", 1);
    setenv("AUTH_AUDIENCE", "a", 1);
    for (size_t i = 0; i < COUNT(values); i++) {
        assert_refused("AUTH_ISSUER", values[i]);
        assert_refused("AUTH_AUDIENCE", values[i]);
        setenv("AUTH_AUDIENCE", "a", 1);
    }
    settings_complain_of("--auth-issuer=", "AUTH_ISSUER");
    settings_complain_of("--auth-issuer= ", "AUTH_ISSUER");
    settings_complain_of("--auth-audience=", "AUTH_AUDIENCE");
    settings_complain_of("--auth-audience= ", "AUTH_AUDIENCE");
    setenv("AUTH_AUDIENCE", "two words", 1);
    assert_int_equal(read_settings(NULL), SETTINGS_READY);
    assert_string_equal(settings.auth.issuer, "https://x.example/");
}

static void a_value_with_a_line_break_is_refused_with_one_line(void **state)
{
    (void)state;
    assert_refused("LOG_LEVEL", "info\n");
    assert_refused("PORT", "80\n");
    assert_refused("AUTH0_DOMAIN", "x.example\n");
    assert_refused("SERVICE_TOKEN_FILE", "/nonexistent\nfile");
}

static void origins_that_no_browser_sends_are_refused(void **state)
{
    static const char *const lists[] = {"http://a/",
                                        "a.example",
                                        "http://a,b",
                                        "http://a:0",
                                        "http://a:x",
                                        "http://a b",
                                        "http://",
                                        "*.example.com",
                                        "http://a, http://b/x",
                                        "https://A.example",
                                        "HTTP://a",
                                        "Capacitor://localhost",
                                        "http://a:80",
                                        "https://a:443",
                                        "*, https://a:0443",
                                        "http://a:01",
                                        "http://[0:0::1]",
                                        "http://[::ABCD]",
                                        "http://[::1]:80",
                                        "http://[::ffff:127.0.0.1]"};

    (void)state;
    for (size_t i = 0; i < COUNT(lists); i++)
        assert_refused("CORS_ORIGINS", lists[i]);
    setenv("CORS_ORIGINS",
           "*, null, http://a:1,https://b.example, "
           ",capacitor://localhost,http://a:443,https://a:80,app://A:80,http://[::1]:8080,http://"
           "[::ffff:7f00:1]",
           1);
    assert_int_equal(read_settings(NULL), SETTINGS_READY);
}

static void addresses_that_a_page_cannot_ask_are_refused(void **state)
{
    static const char *const lists[] = {":8004",      "a=",          "=:8004",     "a=:0",         "a=:x",
                                        "a=:80/x",    "a=ftp://h",   "a=//h:8005", "a=http://u@h", "a=/x?y",
                                        "a=../x\x01", "a=/x,b=host", "a=/x y"};

    (void)state;
    for (size_t i = 0; i < COUNT(lists); i++)
        assert_refused("DASHBOARD_URLS", lists[i]);
    setenv("DASHBOARD_URLS", "a=:8004, ,b=https://h:1/x/,c=../x,d=/,", 1);
    assert_int_equal(read_settings(NULL), SETTINGS_READY);
}

static void an_empty_or_torn_file_of_a_secret_is_refused(void **state)
{
    static const char *const contents[] = {"", "\n", " \t\r\n", "postgresql:///x\npostgresql:///y\n"};

    (void)state;
    unsetenv("DATABASE_URL");
    for (size_t i = 0; i < COUNT(contents); i++) {
        char name[] = "/tmp/unit-settings-XXXXXX";
        settings_write_file(name, contents[i]);
        assert_refused("DATABASE_URL_FILE", name);
        setenv("DATABASE_URL", "postgresql:///x", 1);
        assert_refused("SERVICE_TOKEN_FILE", name);
        unsetenv("DATABASE_URL");
        unlink(name);
    }
}

static void a_service_token_that_is_not_valid_in_a_header_is_refused(void **state)
{
    (void)state;
    assert_refused("SERVICE_TOKEN", PASSWORD);
    assert_refused("SERVICE_TOKEN", PASSWORD " with spaces in it");
    assert_refused("SERVICE_TOKEN", PASSWORD "-of-more-than-16-\xc3\xa9");
    setenv("SERVICE_TOKEN", "0123456789abcdef-._~+/=", 1);
    assert_int_equal(read_settings(NULL), SETTINGS_READY);
}

static void limits_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    setenv("WORKERS", "20", 1);
    assert_refused("CONNECTION_LIMIT", "16");
    setenv("CONNECTION_LIMIT", "20", 1);
    assert_int_equal(read_settings(NULL), SETTINGS_READY);
    setenv("MEMORY_LIMIT", "8388608", 1);
    assert_refused("BODY_LIMIT", "8388609");
    assert_refused("INGEST_BODY_LIMIT", "8388609");
    assert_int_equal(read_settings(NULL), SETTINGS_READY);
    assert_refused("AUTH_REQUIRED", "on");
    assert_refused("AUTH_SUBJECT_SCOPED", "on");
}

static void a_secret_in_an_argument_that_is_not_known_is_not_repeated(void **state)
{
    static const char *const arguments[] = {"--databse-url=postgresql://app:" PASSWORD "@h/db",
                                            "postgresql://app:" PASSWORD "@h/db",
                                            "DATABASE_URL=postgresql://app:" PASSWORD "@h/db"};

    (void)state;
    for (size_t i = 0; i < COUNT(arguments); i++) {
        stderr_keep();
        assert_int_equal(read_settings(arguments[i]), SETTINGS_BAD);
        assert_null(strstr(stderr_kept(), PASSWORD));
    }
}

#define test(name) cmocka_unit_test_setup(name, settings_clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_bad_database_url_is_refused_and_never_repeated),
        test(a_valid_database_url_is_accepted_unchanged),
        test(a_database_url_with_the_name_of_a_driver_is_accepted_without_it),
        test(a_bad_url_of_another_service_is_refused_and_never_repeated),
        test(a_valid_url_of_another_service_is_accepted),
        test(a_bad_address_of_a_key_set_is_refused),
        test(an_issuer_or_audience_with_a_line_break_is_refused),
        test(a_blank_issuer_or_audience_or_one_with_blanks_around_it_is_refused),
        test(a_value_with_a_line_break_is_refused_with_one_line),
        test(origins_that_no_browser_sends_are_refused),
        test(addresses_that_a_page_cannot_ask_are_refused),
        test(an_empty_or_torn_file_of_a_secret_is_refused),
        test(a_service_token_that_is_not_valid_in_a_header_is_refused),
        test(limits_that_contradict_each_other_are_refused),
        test(a_secret_in_an_argument_that_is_not_known_is_not_repeated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
