/* shape_write(): structs printed as JSON by their shape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/shape/declare.h"
#include "tests/unit/support/sample.h"
#include <cmocka.h>

struct out {
    struct text name;
    int64_t number;
    int8_t flag;
    double average, rate;
    struct moment time;
    struct texts texts;
    struct kept_json object;
    struct rows rows;
};

#define OF struct out
static const struct field inner_fields[] = {
    FIELD(TEXT, name),
    FIELD(INT, number),
};
static const struct shape inner_shape = SHAPE("Inner", NULL, inner_fields);

static const struct field out_fields[] = {
    FIELD(TEXT, name),
    FIELD(INT, number),
    FIELD(BOOL, flag),
    FIELD(FLOAT, average),
    FIELD(FLOAT, rate, .flags = FIELD_ZERO),
    FIELD_NAMED(TIME_NAIVE, "naive", time),
    FIELD_NAMED(TIME_Z, "z", time),
    FIELD_NAMED(TIME_OFFSET, "offset", time),
    FIELD(TEXTS, texts),
    FIELD(OBJECT, object),
    FIELD_NAMED(LIST, "list", rows, .of = &inner_shape),
    FIELD_NAMED(MAP, "map", rows, .of = &inner_shape),
    FIXED("const", "{\"status\":\"ok\"}"),
    IGNORED("hidden"),
};
static const struct shape out_shape = SHAPE("Out", NULL, out_fields);
#undef OF

static void a_struct_is_printed_in_declared_order(void **state)
{
    struct out rows[] = {{.name = TEXT("x"), .number = 1}, {.name = TEXT_NULL, .number = INT_NULL}};
    struct text tag = TEXT("t");
    struct out out = {.name = TEXT("\"n\""),
                      .number = -3,
                      .flag = 1,
                      .average = 295,
                      .rate = 0.5,
                      .time = {1745051438538812},
                      .texts = {&tag, 1},
                      .object = {TEXT("{\"k\": 1.0}")},
                      .rows = {rows, 2}};
    struct sample_fixture *f = *state;
    struct writer w = writer_start(&f->arena);

    shape_write(&w, &out_shape, &out);
    assert_string_equal(
        arena_string(&f->arena, (struct text){w.at, w.len}),
        "{\"name\":\"\\\"n\\\"\",\"number\":-3,\"flag\":true,\"average\":295.0,\"rate\":0.5,"
        "\"naive\":\"2025-04-19T08:30:38.538812\",\"z\":\"2025-04-19T08:30:38.538812Z\","
        "\"offset\":\"2025-04-19T08:30:38.538812+00:00\",\"texts\":[\"t\"],\"object\":{\"k\": 1.0},"
        "\"list\":[{\"name\":\"x\",\"number\":1},{\"name\":null,\"number\":null}],"
        "\"map\":{\"x\":{\"number\":1},\"null\":{\"number\":null}},\"const\":{\"status\":\"ok\"}}");
}

static void nulls_are_printed_as_null_and_rates_of_nothing_as_zero(void **state)
{
    const double nan = strtod("nan", NULL);
    struct out out = {
        .number = INT_NULL, .flag = BOOL_NULL, .average = nan, .rate = nan, .time = MOMENT_NULL};
    struct sample_fixture *f = *state;
    struct writer w = writer_start(&f->arena);

    shape_write(&w, &out_shape, &out);
    assert_string_equal(
        arena_string(&f->arena, (struct text){w.at, w.len}),
        "{\"name\":null,\"number\":null,\"flag\":null,\"average\":null,\"rate\":0,\"naive\":null,\"z\":null,"
        "\"offset\":null,\"texts\":null,\"object\":null,\"list\":[],\"map\":{},\"const\":{\"status\":\"ok\"}"
        "}");
    w = writer_start(&f->arena);
    shape_write_list(&w, &inner_shape, (struct rows){&out, 1});
    shape_write_list(&w, &inner_shape, (struct rows){NULL, 0});
    assert_string_equal(arena_string(&f->arena, (struct text){w.at, w.len}),
                        "[{\"name\":null,\"number\":null}][]");
}

struct columns {
    struct ints counts, none, empty;
    struct floats rates, averages;
    int8_t flag;
};

#define OF struct columns
static const struct field column_fields[] = {
    FIELD(INTS, counts),     FIELD(INTS, none),
    FIELD(INTS, empty),      FIELD(FLOATS, rates, .flags = FIELD_ZERO),
    FIELD(FLOATS, averages), FIELD(BOOL, flag, .flags = FIELD_OPTIONAL),
};
static const struct shape columns_shape = SHAPE("Columns", NULL, column_fields);
#undef OF

static void lists_of_numbers_are_printed_and_have_nulls_and_zeros_as_single_numbers_have(void **state)
{
    int64_t counts[] = {3, INT_NULL, -1};
    double rates[] = {0.5, strtod("nan", NULL), 0};
    struct columns columns = {.counts = {counts, 3},
                              .empty = {counts, 0},
                              .rates = {rates, 3},
                              .averages = {rates, 3},
                              .flag = BOOL_NULL};
    struct sample_fixture *f = *state;
    struct writer w = writer_start(&f->arena);

    shape_write(&w, &columns_shape, &columns);
    assert_string_equal(arena_string(&f->arena, (struct text){w.at, w.len}),
                        "{\"counts\":[3,null,-1],\"none\":null,\"empty\":[],\"rates\":[0.5,0,0.0],"
                        "\"averages\":[0.5,null,0.0]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(a_struct_is_printed_in_declared_order),
        SAMPLE_TEST(nulls_are_printed_as_null_and_rates_of_nothing_as_zero),
        SAMPLE_TEST(lists_of_numbers_are_printed_and_have_nulls_and_zeros_as_single_numbers_have),
    };

    return cmocka_run_group_tests_name("shape_write", tests, NULL, NULL);
}
