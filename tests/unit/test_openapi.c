/* The OpenAPI document: JSON with every endpoint that is not hidden in it, once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/json/json.h"
#include "common/openapi/document.h"

struct thing {
    struct text name;
    int64_t number;
};

static const struct field thing_fields[] = {
    {.name = "name", .type = FIELD_TEXT, .flags = FIELD_REQUIRED, .limit = 255, .help = "Its \"name\"."},
    {.name = "number", .type = FIELD_INT, .at = offsetof(struct thing, number), .example = "7"},
};
static const struct field path_fields[] = {{.name = "name", .type = FIELD_TEXT, .flags = FIELD_REQUIRED}};
static const struct field query_fields[] = {
    {.name = "limit", .type = FIELD_INT, .fallback = "100", .max = 1000}};
static const struct shape thing_shape = {"Thing", "A thing.", sizeof(struct thing), thing_fields, 2};
static const struct shape path_shape = {"ThingPath", "", sizeof(struct thing), path_fields, 1};
static const struct shape query_shape = {"ThingQuery", "", sizeof(struct thing), query_fields, 1};

static const struct endpoint endpoints[] = {
    {.method = METHOD_GET,
     .path = "/things/",
     .tag = "Things",
     .summary = "List",
     .help = "All\nof them.",
     .query_in = &query_shape,
     .answer = &thing_shape,
     .flags = ENDPOINT_LIST},
    {.method = METHOD_POST,
     .path = "/things/",
     .tag = "Things",
     .summary = "Make",
     .help = "",
     .body_in = &thing_shape,
     .answer = &thing_shape,
     .status = 201,
     .failures = {{400, "Name already taken"}}},
    {.method = METHOD_GET,
     .path = "/things/{name}",
     .tag = "Things",
     .summary = "One",
     .help = "",
     .path_in = &path_shape,
     .answer = &thing_shape,
     .failures = {{404, "Thing not found"}}},
    {.method = METHOD_DELETE,
     .path = "/things/{name}",
     .tag = "Things",
     .summary = "Remove",
     .path_in = &path_shape,
     .answer = &thing_shape,
     .scope = "admin"},
    {.method = METHOD_GET,
     .path = "/secret",
     .tag = "Things",
     .summary = "None",
     .help = "",
     .flags = ENDPOINT_HIDDEN},
};
static const struct api api = {.name = "things",
                               .title = "Things \"and\" more",
                               .help = "Help",
                               .version = "1.0.0",
                               .endpoints = endpoints,
                               .endpoint_count = COUNT(endpoints)};

static struct arena arena;
static const struct json *document;

static int begin(void **state)
{
    struct json_error error;
    struct text text = openapi_document(&arena, &api);

    (void)state;
    return text.at && json_parse(&arena, text, &document, &error) == JSON_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* What lies at a path of member names, ended by NULL. */
static const struct json *at(const struct json *value, const char *const *names)
{
    for (; value && *names; names++)
        value = json_type(value) == JSON_OBJECT ? json_member(value, *names) : NULL;
    return value;
}

#define find(...) at(document, (const char *const[]){__VA_ARGS__, NULL})

static void the_document_describes_its_service(void **state)
{
    (void)state;
    assert_true(text_equal(json_text(find("openapi")), TEXT("3.1.0")));
    assert_true(text_equal(json_text(find("info", "title")), TEXT("Things \"and\" more")));
    assert_true(text_equal(json_text(find("info", "version")), TEXT("1.0.0")));
}

static void every_endpoint_is_in_it(void **state)
{
    size_t count = 0;

    (void)state;
    for (const struct json *path = json_first(find("paths")); path; path = json_next(path))
        for (const struct json *method = json_first(path); method; method = json_next(method))
            count++;
    assert_int_equal(count, 4);
    assert_true(text_equal(json_text(find("paths", "/things/", "get", "summary")), TEXT("List")));
    assert_true(text_equal(json_text(find("paths", "/things/", "post", "summary")), TEXT("Make")));
    assert_true(text_equal(json_text(find("paths", "/things/{name}", "get", "summary")), TEXT("One")));
}

static void answers_and_failures_are_reported(void **state)
{
    (void)state;
    assert_non_null(find("paths", "/things/", "get", "responses", "200"));
    assert_non_null(find("paths", "/things/", "post", "responses", "201"));
    assert_null(find("paths", "/things/", "post", "responses", "200"));
    assert_non_null(find("paths", "/things/", "post", "responses", "400"));
    assert_non_null(find("paths", "/things/", "post", "responses", "422"));
    assert_non_null(find("paths", "/things/{name}", "get", "responses", "404"));
    assert_non_null(find("paths", "/things/", "post", "requestBody"));
}

static void a_scope_is_required_of_the_token(void **state)
{
    (void)state;
    const struct json *security = find("paths", "/things/{name}", "delete", "security");
    assert_true(text_equal(json_raw(security), TEXT("[{\"bearer\":[\"admin\"]}]")));
    assert_non_null(find("paths", "/things/{name}", "delete", "responses", "403"));
    assert_null(find("paths", "/things/{name}", "get", "responses", "403"));
}

static void every_shape_that_is_named_is_present(void **state)
{
    static const char prefix[] = "#/components/schemas/";
    struct text text = json_raw(document);
    size_t references = 0;

    (void)state;
    for (const char *at_prefix = text.at;
         (at_prefix =
              memmem(at_prefix, (size_t)(text.at + text.len - at_prefix), prefix, sizeof(prefix) - 1));) {
        char name[64] = "";
        at_prefix += sizeof(prefix) - 1;
        for (size_t i = 0; at_prefix[i] != '"' && i < sizeof(name) - 1; i++)
            name[i] = at_prefix[i];
        assert_non_null(find("components", "schemas", name));
        references++;
    }
    assert_true(references >= 3);
    assert_non_null(find("components", "schemas", "Thing", "properties", "number"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_describes_its_service),
        cmocka_unit_test(every_endpoint_is_in_it),
        cmocka_unit_test(answers_and_failures_are_reported),
        cmocka_unit_test(a_scope_is_required_of_the_token),
        cmocka_unit_test(every_shape_that_is_named_is_present),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
