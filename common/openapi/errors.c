#include "common/openapi/errors.h"

#include "common/base/declare.h"
#include "common/openapi/schema.h"

const char openapi_error_schemas[] =
    "\"Error\":{\"type\":\"object\",\"description\":\"What went wrong.\","
    "\"properties\":{\"detail\":{\"type\":\"string\"}},\"required\":[\"detail\"]},"
    "\"TokenError\":{\"type\":\"object\",\"description\":\"What is wrong with the token.\","
    "\"properties\":{\"message\":{\"type\":\"string\"}},\"required\":[\"message\"]},"
    "\"Failure\":{\"type\":\"object\",\"description\":\"What went wrong, in one of the members.\","
    "\"properties\":{\"detail\":{\"type\":\"string\"},\"error\":{\"type\":\"string\"},"
    "\"message\":{\"type\":\"string\"}},\"minProperties\":1},"
    "\"ValidationError\":{\"type\":\"object\",\"description\":\"Every fault of the input,"
    " or why a key cannot be used.\",\"properties\":{\"detail\":{\"$ref\":\"#/components/schemas/Faults\"}},"
    "\"required\":[\"detail\"]},"
    "\"Faults\":{\"description\":\"The faults of the input, or a text about the key.\",\"anyOf\":["
    "{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Fault\"}},{\"type\":\"string\"}]},"
    "\"Fault\":{\"type\":\"object\",\"description\":\"One fault of the input.\","
    "\"properties\":{\"type\":{\"type\":\"string\",\"description\":\"Of the fault.\"},"
    "\"loc\":{\"type\":\"array\",\"items\":{\"type\":[\"string\",\"integer\"]},"
    "\"description\":\"Where it is.\"},\"msg\":{\"type\":\"string\","
    "\"description\":\"What is wrong.\"},\"input\":{\"description\":\"What was sent there.\"},"
    "\"ctx\":{\"type\":\"object\",\"additionalProperties\":true,\"description\":\"Bounds and "
    "reasons.\"}},\"required\":[\"type\","
    "\"loc\",\"msg\",\"input\"]}";

const char openapi_error_responses[] =
    "\"NotModified\":{\"description\":\"What the client has is still right.\"},"
    "\"Malformed\":{\"description\":\"The request is not HTTP as it should be.\","
    "\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Error\"},"
    "\"example\":{\"detail\":\"Invalid request target\"}}}},"
    "\"Unauthorized\":{\"description\":\"A good token is asked for.\","
    "\"headers\":{\"WWW-Authenticate\":{\"schema\":{\"type\":\"string\"}}},"
    "\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/TokenError\"},"
    "\"example\":{\"message\":\"Authorization header missing\"}}}},"
    "\"Forbidden\":{\"description\":\"The token does not reach this.\","
    "\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/TokenError\"},"
    "\"example\":{\"message\":\"The token does not reach this user\"}}}},"
    "\"TooLarge\":{\"description\":\"The body is too large.\","
    "\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Error\"},"
    "\"example\":{\"detail\":\"Request body too large\"}}}},"
    "\"UriTooLong\":{\"description\":\"The target is too long.\","
    "\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Error\"},"
    "\"example\":{\"detail\":\"URI too long\"}}}},"
    "\"UnsupportedCoding\":{\"description\":\"The body's Content-Encoding is not understood.\","
    "\"headers\":{\"Accept-Encoding\":{\"description\":\"What is.\",\"schema\":{\"type\":\"string\"}}},"
    "\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Error\"},"
    "\"example\":{\"detail\":\"Unsupported Content-Encoding\"}}}},"
    "\"Unprocessable\":{\"description\":\"The input is not valid.\","
    "\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/ValidationError\"},"
    "\"example\":{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\",\"user_id\"],"
    "\"msg\":\"Field required\",\"input\":{}}]}}}},"
    "\"HeadersTooLarge\":{\"description\":\"The header block is too large.\","
    "\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Error\"},"
    "\"example\":{\"detail\":\"Request header block too large\"}}}},"
    "\"Unavailable\":{\"description\":\"The service, or one that it asks, cannot answer now.\","
    "\"headers\":{\"Retry-After\":{\"description\":\"Seconds.\",\"schema\":{\"type\":\"integer\"}}},"
    "\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Failure\"},"
    "\"example\":{\"detail\":\"Service temporarily unavailable\"}}}}";

/* The errors of an endpoint with a text of their own: those that it declares, and those of its input. */
struct failures {
    struct failure all[ENDPOINT_FAILURES + 2];
    size_t count;
};

static struct failures failures_of(const struct endpoint *e)
{
    struct failures f = {.count = 0};

    while (f.count < ENDPOINT_FAILURES && e->failures[f.count].status) {
        f.all[f.count] = e->failures[f.count];
        f.count++;
    }
    if (e->body_in && !(e->flags & ENDPOINT_LENIENT))
        f.all[f.count++] = (struct failure){.status = 400, .detail = "There was an error parsing the body"};
    if (e->path_in)
        f.all[f.count++] = (struct failure){.status = 404, .detail = "Not Found"};
    return f;
}

static bool has_status(const struct failures *f, size_t count, int status)
{
    for (size_t i = 0; i < count; i++)
        if (f->all[i].status == status)
            return true;
    return false;
}

static const char *member_of(const struct failure *failure)
{
    return failure->member ? failure->member : "detail";
}

/* Errors of one status may be in different members. */
static const char *error_schema(const struct failures *f, int status)
{
    const char *member = NULL;

    for (size_t i = 0; i < f->count; i++) {
        if (f->all[i].status != status)
            continue;
        if (member && strcmp(member, member_of(&f->all[i])) != 0)
            return "Failure";
        member = member_of(&f->all[i]);
    }
    if (member && strcmp(member, "message") == 0)
        return "TokenError";
    return member && strcmp(member, "error") == 0 ? "Failure" : "Error";
}

/* Errors of one status are one response, with an example of each. */
static void write_failure(struct writer *w, const struct failures *f, int status)
{
    bool first = true;

    write_literal(w, ",\"");
    write_int(w, status);
    write_literal(w, "\":{\"description\":");
    write_json_text(w, text_of(status == 404 ? "Not there" : status == 503 ? "Not now" : "Refused"));
    write_literal(w, ",\"content\":{\"application/json\":{\"schema\":");
    schema_reference(w, "schemas", error_schema(f, status));
    write_literal(w, ",\"examples\":{");
    for (size_t i = 0; i < f->count; i++) {
        if (f->all[i].status != status)
            continue;
        write_text(w, first ? TEXT("") : TEXT(","));
        first = false;
        write_json_text(w, text_of(f->all[i].detail));
        write_literal(w, ":{\"value\":{");
        write_json_text(w, text_of(member_of(&f->all[i])));
        write_char(w, ':');
        write_json_text(w, text_of(f->all[i].detail));
        write_literal(w, "}}");
    }
    write_literal(w, "}}}}");
}

/* Responses that many operations share, among the components. */
static const struct {
    int status;
    const char *name;
} shared_responses[] = {
    {304, "NotModified"},     {400, "Malformed"},   {401, "Unauthorized"},      {403, "Forbidden"},
    {413, "TooLarge"},        {414, "UriTooLong"},  {415, "UnsupportedCoding"}, {422, "Unprocessable"},
    {431, "HeadersTooLarge"}, {503, "Unavailable"},
};

static bool may_answer(const struct endpoint *e, int status)
{
    switch (status) {
    case 304:
        return e->flags & ENDPOINT_TAGGED;
    case 401:
        return !(e->flags & ENDPOINT_OPEN);
    case 403:
        return endpoint_requires_token(e);
    case 413:
    case 415:
        return e->body_in;
    case 422:
        if (e->flags & ENDPOINT_BATCH)
            return false; /* it is an answer of its own */
        return e->method == METHOD_POST ||
               (!(e->flags & ENDPOINT_LENIENT) && (e->path_in || e->query_in || e->body_in));
    default:
        return true;
    }
}

void openapi_write_errors(struct writer *w, const struct endpoint *e)
{
    struct failures f = failures_of(e);

    for (size_t i = 0; i < f.count; i++)
        if (!has_status(&f, i, f.all[i].status))
            write_failure(w, &f, f.all[i].status);
    for (size_t i = 0; i < COUNT(shared_responses); i++) {
        int status = shared_responses[i].status;
        if (has_status(&f, f.count, status) || !may_answer(e, status))
            continue;
        write_literal(w, ",\"");
        write_int(w, status);
        write_literal(w, "\":");
        schema_reference(w, "responses", shared_responses[i].name);
    }
}
