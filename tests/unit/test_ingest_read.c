/* The items of a body: how an array and lines are cut, and what fails alone or as a whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/items/ingest_items.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"

struct thing {
    struct text name, client_id, told_time;
    int64_t id;
    struct kept_json data;
    struct moment timestamp, received_at;
};

#define OF struct thing
static const struct field fields[] = {
    FIELD(TEXT, name, .flags = FIELD_REQUIRED),
    FIELD(OBJECT, data, .fallback = "{}"),
    INGEST_FIELDS("\"2025-04-19T08:39:43.599Z\""),
};
static const struct shape thing_shape = SHAPE("Thing", NULL, fields);

static const struct ingest things = {.item = &thing_shape,
                                     .id = offsetof(OF, id),
                                     .client_id = offsetof(OF, client_id),
                                     .told_time = offsetof(OF, told_time),
                                     .timestamp = offsetof(OF, timestamp),
                                     .received_at = offsetof(OF, received_at)};
#undef OF

static struct settings settings;
static struct worker worker = {.settings = &settings};
static struct request rq;
static struct items items;

static int set_up(void **state)
{
    (void)state;
    shape_set_limits(&(struct shape_limits){.text = 1000, .list = 1000});
    settings = (struct settings){.ingest.limit = 10, .ingest.future = 300, .http.body_limit = 1000};
    rq = (struct request){.worker = &worker};
    items = (struct items){.rq = &rq, .of = &things, .received_at = {1745052104118843}};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&items.scratch);
    arena_free(&rq.arena);
    return 0;
}

static bool read_as(const char *type, struct text body)
{
    tear_down(NULL);
    set_up(NULL);
    rq.headers.content_type = text_of(type);
    rq.body_bytes = body;
    return items_read(&items);
}

static bool read_array(const char *body)
{
    return read_as("application/json", text_of(body));
}

static bool read_lines(const char *body)
{
    return read_as("application/x-ndjson", text_of(body));
}

/* The names of the items, `!` and the code of one that failed: what a test compares. */
static const char *names_read(void)
{
    struct writer w = writer_start(&rq.arena);

    for (size_t i = 0; i < items.count; i++) {
        write_text(&w, i ? TEXT(" ") : TEXT(""));
        if (items.list[i].state == ITEM_FAILED) {
            write_char(&w, '!');
            write_int(&w, items.list[i].code);
        } else {
            write_text(&w, ((const struct thing *)items.list[i].in)->name);
        }
    }
    write_char(&w, '\0');
    return w.at;
}

static void assert_reply(int status, const char *part)
{
    char body[1024];

    assert_int_equal(rq.status, status);
    snprintf(body, sizeof(body), "%.*s", (int)rq.out.len, rq.out.at);
    if (!strstr(body, part))
        fail_msg("%s is not in %s", part, body);
}

static void an_array_is_cut_at_the_commas_between_its_items(void **state)
{
    (void)state;
    assert_true(read_array(
        "[{\"name\":\"a,]}\\\"\"},\n {\"name\":\"b\",\"data\":{\"x\":[1,{\"y\":[]}]}} , {\"name\":\"c\"}]"));
    assert_string_equal(names_read(), "a,]}\" b c");
    struct kept_json data = ((const struct thing *)items.list[1].in)->data;
    assert_true(text_equal(data.bytes, TEXT("{\"x\":[1,{\"y\":[]}]}")));
}

static void an_empty_body_or_array_has_no_items(void **state)
{
    static const char *const bodies[] = {"", "[]", " [ ] ", "\xef\xbb\xbf[]"};
    (void)state;

    for (size_t i = 0; i < COUNT(bodies); i++) {
        assert_true(read_array(bodies[i]));
        assert_int_equal(items.count, 0);
    }
    assert_true(read_lines("\n\r\n  \n"));
    assert_int_equal(items.count, 0);
}

static void a_line_is_an_item_whatever_ends_it(void **state)
{
    (void)state;
    assert_true(read_lines("{\"name\":\"a\"}\r\n\n{\"name\":\"b\"}\n \t\n{\"name\":\"c\"}"));
    assert_string_equal(names_read(), "a b c");
}

static void a_bad_line_fails_alone_with_its_index(void **state)
{
    (void)state;
    assert_true(read_lines("{\"name\":\"a\"}\n{\"name\":\n7\n{\"name\":5}\n{\"name\":\"b\"}"));
    assert_string_equal(names_read(), "a !422 !422 !422 b");
    const struct item *bad = &items.list[1];
    assert_non_null(strstr(arena_printf(&rq.arena, "%.*s", (int)bad->errors.len, bad->errors.at),
                           "\"loc\":[\"body\",1,"));
}

static void what_is_wrong_with_an_array_fails_all_of_it(void **state)
{
    static const struct {
        const char *body;
        int status;
        const char *part;
    } cases[] = {
        {"[{\"name\":\"a\"}", 422, "json_invalid"},
        {"[{\"name\":\"a\"},]", 422, "json_invalid"},
        {"[,]", 422, "json_invalid"},
        {"[{\"name\":\"a\"}] x", 422, "json_invalid"},
        {"[{\"name\":\"a\"}}]", 422, "json_invalid"},
        {"{\"name\":\"a\"}", 422, "list_type"},
        {"[{\"name\":\"a\"},{", 422, "json_invalid"},
        {"\"x\"", 422, "list_type"},
        {"[\xef\xbb\xbf{\"name\":\"a\"}]", 422, "json_invalid"},
        {"[{\"name\":\"\xff\"}]", 400, "parsing the body"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_false(read_array(cases[i].body));
        assert_reply(cases[i].status, cases[i].part);
    }
}

static void bytes_that_are_no_text_fail_all_lines(void **state)
{
    (void)state;
    assert_false(read_lines("{\"name\":\"a\"}\n{\"name\":\"\xff\"}"));
    assert_reply(400, "parsing the body");
}

static void more_items_than_the_limit_are_refused_without_repeating_them(void **state)
{
    (void)state;

    assert_true(read_array("[7,7,7,7,7,7,7,7,7,7]"));
    assert_int_equal(items.count, 10);
    assert_false(read_array("[7,7,7,7,7,7,7,7,7,7,7]"));
    assert_reply(422, "\"type\":\"too_long\",\"loc\":[\"body\"]");
}

static void an_item_that_no_single_call_would_take_for_its_size_fails_alone(void **state)
{
    char body[2100];
    (void)state;

    snprintf(body, sizeof(body), "[{\"name\":\"%01000d\"},{\"name\":\"b\"}]", 0);
    assert_true(read_array(body));
    assert_string_equal(names_read(), "!413 b");
}

static void a_media_type_decides_and_others_are_415(void **state)
{
    static const char *const lines[] = {"application/x-ndjson", "application/NDJSON; charset=utf-8",
                                        "application/jsonl"};
    static const char *const others[] = {"text/plain", "text/csv", "application/x-www-form-urlencoded"};
    (void)state;

    for (size_t i = 0; i < COUNT(lines); i++) {
        assert_true(read_as(lines[i], TEXT("{\"name\":\"a\"}\n{\"name\":\"b\"}")));
        assert_string_equal(names_read(), "a b");
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_false(read_as(others[i], TEXT("[]")));
        assert_reply(415, "application/x-ndjson");
    }
}

static void a_told_time_is_kept_unless_it_cannot_be(void **state)
{
    (void)state;
    assert_true(read_lines("{\"name\":\"a\",\"timestamp\":\"1970-01-01T00:00:01Z\"}\n"
                           "{\"name\":\"b\"}\n"
                           "{\"name\":\"c\",\"timestamp\":\"2025-04-19T08:46:44Z\"}\n"
                           "{\"name\":\"d\",\"timestamp\":\"2025-04-19T08:46:45.2Z\"}\n"
                           "{\"name\":\"e\",\"timestamp\":\"1969-12-31T23:59:59Z\"}\n"
                           "{\"name\":\"f\",\"timestamp\":\"soon\"}"));
    assert_string_equal(names_read(), "a b c !422 !422 !422");
    const struct thing *a = items.list[0].in, *b = items.list[1].in;
    assert_true(a->timestamp.us == 1000000 && a->received_at.us == items.received_at.us);
    assert_true(moment_is_null(b->timestamp) && moment_is_null(b->received_at));
    assert_string_equal(items.list[3].detail, "timestamp is 301 s ahead of this service's clock");
}

static void a_client_id_is_1_to_64_of_its_characters(void **state)
{
    char line[128];
    (void)state;

    for (int size = 0; size <= 65; size++) {
        snprintf(line, sizeof(line), "{\"name\":\"a\",\"client_id\":\"%.*s\"}", size,
                 "aZ09._:-aZ09._:-aZ09._:-aZ09._:-aZ09._:-aZ09._:-aZ09._:-aZ09._:-x");
        assert_true(read_lines(line));
        assert_string_equal(names_read(), size >= 1 && size <= 64 ? "a" : "!422");
    }
    assert_true(read_lines("{\"name\":\"a\",\"client_id\":\"a b\"}\n{\"name\":\"a\",\"client_id\":null}"));
    assert_string_equal(names_read(), "!422 a");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_array_is_cut_at_the_commas_between_its_items),
        TEST(an_empty_body_or_array_has_no_items),
        TEST(a_line_is_an_item_whatever_ends_it),
        TEST(a_bad_line_fails_alone_with_its_index),
        TEST(what_is_wrong_with_an_array_fails_all_of_it),
        TEST(bytes_that_are_no_text_fail_all_lines),
        TEST(more_items_than_the_limit_are_refused_without_repeating_them),
        TEST(an_item_that_no_single_call_would_take_for_its_size_fails_alone),
        TEST(a_media_type_decides_and_others_are_415),
        TEST(a_told_time_is_kept_unless_it_cannot_be),
        TEST(a_client_id_is_1_to_64_of_its_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
