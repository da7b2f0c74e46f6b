/* E-mail addresses: the verdicts, normal forms and reasons of the original. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/declare.h"
#include "common/email/email.h"

/* Generated addresses and what Pydantic's EmailStr says of them; emails.py tells the form of a line. */
#define VERDICTS "tests/unit/emails.txt"

/*
 * Reasons that share a more general one here, by their beginnings; NULL: an address that has them is told of
 * another fault first, where it has one.
 */
static const struct {
    const char *original, *here;
} generalised[] = {
    {"The part after the @-sign is invalid (", "The part after the @-sign is not valid IDNA."},
    {"The part after the @-sign is not valid IDNA (", "The part after the @-sign is not valid IDNA."},
    {"The part after the @-sign contains invalid characters (", NULL},
    {"The part after the @-sign contains invalid characters after",
     "The part after the @-sign is not valid IDNA."},
    {"The address in brackets", "A bracketed IP address after the @-sign is not allowed here."},
    {"The IPv6 address in brackets", "A bracketed IP address after the @-sign is not allowed here."},
    {"The part after the @-sign contains an invalid address literal tag",
     "A bracketed IP address after the @-sign is not allowed here."},
    {"Extra character(s) found after close quote", NULL},
};

static bool starts_with(struct text t, const char *start)
{
    return t.len >= strlen(start) && memcmp(t.at, start, strlen(start)) == 0;
}

static bool is_generalised(struct text original, struct text here)
{
    for (size_t i = 0; i < COUNT(generalised); i++)
        if (starts_with(original, generalised[i].original) &&
            (!generalised[i].here || text_equal(here, text_of(generalised[i].here))))
            return true;
    return false;
}

/* Resolves `\x0a` in place. */
static struct text unescaped(char *s)
{
    char *out = s, *start = s;

    while (*s) {
        if (s[0] == '\\') {
            char digits[3] = {s[2], s[3], '\0'};
            *out++ = (char)strtoul(digits, NULL, 16);
            s += 4;
        } else {
            *out++ = *s++;
        }
    }
    return (struct text){start, (size_t)(out - start)};
}

static void expect_verdict(struct arena *arena, char *line)
{
    char *verdict = strchr(line, '\t');
    assert_non_null(verdict);
    *verdict++ = '\0';
    char *result = strchr(verdict, '\t');
    assert_non_null(result);
    *result++ = '\0';
    struct text input = unescaped(line), expected = unescaped(result), normal;
    const char *reason;
    bool good = email_normalise(arena, input, &normal, &reason);

    if (good != (strcmp(verdict, "good") == 0))
        fail_msg("%.*s should be %s", (int)input.len, input.at, verdict);
    struct text got = good ? normal : text_of(reason);
    if (!text_equal(got, expected) && (good || !is_generalised(expected, got)))
        fail_msg("%.*s: '%.*s' where the original has '%.*s'", (int)input.len, input.at, (int)got.len, got.at,
                 (int)expected.len, expected.at);
}

static void addresses_are_checked_as_the_original_checks_them(void **state)
{
    (void)state;
    FILE *file = fopen(VERDICTS, "r");
    assert_non_null(file);
    struct arena arena = {0};
    char *line = NULL;
    size_t size = 0, count = 0;
    ssize_t len;

    while ((len = getline(&line, &size, file)) > 0) {
        line[len - 1] = '\0';
        expect_verdict(&arena, line);
        arena_reset(&arena);
        count++;
    }
    assert_true(count >= 200);
    free(line);
    fclose(file);
    arena_free(&arena);
}

static void expect_normal(const char *input, const char *expected)
{
    struct arena arena = {0};
    struct text normal;
    const char *reason;

    assert_true(email_normalise(&arena, text_of(input), &normal, &reason));
    assert_int_equal(normal.len, strlen(expected));
    assert_memory_equal(normal.at, expected, normal.len);
    arena_free(&arena);
}

static void a_normalised_address_is_not_changed_again(void **state)
{
    (void)state;
    expect_normal(" Ada <ADA@B\xc3\x9c"
                  "CHER.Example> ",
                  "ADA@b\xc3\xbc"
                  "cher.example");
    expect_normal("ADA@b\xc3\xbc"
                  "cher.example",
                  "ADA@b\xc3\xbc"
                  "cher.example");
    expect_normal("Postmaster@xn--bcher-kva.example", "postmaster@b\xc3\xbc"
                                                      "cher.example");
}

static void an_exhausted_arena_gives_no_reason(void **state)
{
    (void)state;
    static const char *const inputs[] = {"a@b.co", "a b@c.com", "INFO@b.co", "a@b\xc3\xbc.co",
                                         "\xc3\xa9@b.co"};

    for (size_t i = 0; i < COUNT(inputs); i++) {
        struct arena arena = {.held = ARENA_LIMIT};
        struct text normal;
        const char *reason = "not set";
        assert_false(email_normalise(&arena, text_of(inputs[i]), &normal, &reason));
        assert_null(reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_checked_as_the_original_checks_them),
        cmocka_unit_test(a_normalised_address_is_not_changed_again),
        cmocka_unit_test(an_exhausted_arena_gives_no_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
