/*
 * A shape with a field of most kinds, and what reads bodies into it, for the tests of shapes.
 */
#ifndef TESTS_SAMPLE_H
#define TESTS_SAMPLE_H

#include "common/shape/shape.h"

struct sample {
    struct text name;
    struct text email;
    int64_t count;
    int8_t good;
    struct texts tags;
    struct kept_json uses;
    struct kept_json data;
    struct text note;
    int64_t small;
    int8_t note_sent;
};

extern const struct shape sample_shape;

struct sample_fixture {
    struct arena arena;
    struct sample sample;
    struct faults faults;
};

/* What each test starts with and leaves: an empty arena and the usual limits. */
int sample_set_up(void **state);
int sample_tear_down(void **state);

/* Reads a body; its faults in brackets, in the fixture's arena. */
const char *read_body(struct sample_fixture *f, const char *body);

/* Reads a body that is good except for one member; its faults in brackets. */
const char *read_with(struct sample_fixture *f, const char *name, const char *value);

/* Asserts that a member's value has one fault, with the type, message and context given. */
void assert_fault(struct sample_fixture *f, const char *name, const char *value, const char *type,
                  const char *message, const char *context);

#define assert_text(actual, expected) assert_true(text_equal((actual), text_of(expected)))
#define SAMPLE_TEST(name)             cmocka_unit_test_setup_teardown(name, sample_set_up, sample_tear_down)

#endif
