#include "common/shape/shape.h"

#include <math.h>

#include "common/email/email.h"
#include "common/shape/coerce.h"

static struct shape_limits limits = {.text = TEXT_LIMIT, .list = LIST_LIMIT};

/*
 * One walk over a shape. Functions that return a bool return false only when memory is exhausted, unless they
 * say otherwise.
 */
struct reader {
    struct arena *arena;
    struct faults *faults;
    enum fault_place place;
    char *into;
};

void shape_set_limits(const struct shape_limits *set)
{
    limits = *set;
}

/* The location of a fault of the field itself. */
size_t shape_list_limit(void)
{
    return limits.list;
}

static struct fault_at field_at(const struct reader *r, const struct field *field)
{
    return (struct fault_at){.place = r->place, .field = field->name, .item = -1};
}

static bool add_fault(struct reader *r, const struct fault_at *at, const struct fault *fault,
                      const struct input *input)
{
    faults_add(r->faults, at, fault, input_print(r->arena, input));
    return !r->faults->out.failed;
}

/* A fault whose message and context were printed into the arena. */
static bool add_printed(struct reader *r, const struct fault_at *at, const char *type, const char *message,
                        const char *context, const struct input *input)
{
    return message && context && add_fault(r, at, &(struct fault){type, message, context}, input);
}

static bool add_too_long(struct reader *r, const struct fault_at *at, const char *what, size_t count,
                         const struct input *input)
{
    const char *message =
        arena_printf(r->arena, "%s should have at most %zu item%s after validation, not %zu", what,
                     limits.list, limits.list == 1 ? "" : "s", count);
    const char *context =
        arena_printf(r->arena, "{\"field_type\":\"%s\",\"max_length\":%zu,\"actual_length\":%zu}", what,
                     limits.list, count);

    return add_printed(r, at, "too_long", message, context, input);
}

/* Checks that the text is one of the field's choices, and adds a fault if it is not. False: no memory. */
static bool check_choice(struct reader *r, const struct field *field, const struct fault_at *at,
                         const struct input *input, struct text string, bool *good)
{
    struct writer expected = writer_start(r->arena);

    *good = !field->choices;
    for (size_t i = 0; !*good && field->choices[i]; i++) {
        *good = text_equal(string, text_of(field->choices[i]));
        write_text(&expected, !i ? TEXT("'") : field->choices[i + 1] ? TEXT("', '") : TEXT("' or '"));
        write_text(&expected, text_of(field->choices[i]));
    }
    if (*good)
        return true;
    write_bytes(&expected, "'", sizeof("'"));
    return !expected.failed &&
           add_printed(r, at, "literal_error", arena_printf(r->arena, "Input should be %s", expected.at),
                       arena_printf(r->arena, "{\"expected\":\"%s\"}", expected.at), input);
}

/* Reads a string; if the input is not one, adds a fault and gives the null text. */
static bool read_string(struct reader *r, const struct field *field, const struct fault_at *at,
                        const struct input *input, struct text *string)
{
    static const struct fault string_type = {"string_type", "Input should be a valid string", NULL};
    size_t limit = field->limit ? field->limit : limits.text;
    struct text t = input_text(input);
    bool good;

    if (!t.at)
        return add_fault(r, at, &string_type, input);
    if (t.len > limit && text_code_points(t) > limit)
        return add_printed(r, at, "string_too_long",
                           arena_printf(r->arena, "String should have at most %zu character%s", limit,
                                        limit == 1 ? "" : "s"),
                           arena_printf(r->arena, "{\"max_length\":%zu}", limit), input);
    if (!check_choice(r, field, at, input, t, &good))
        return false;
    if (good)
        *string = t;
    return true;
}

static bool read_email(struct reader *r, const struct field *field, const struct input *input,
                       struct text *address)
{
    struct fault_at at = field_at(r, field);
    struct text string = TEXT_NULL;
    const char *reason = NULL;

    if (!read_string(r, field, &at, input, &string))
        return false;
    if (!string.at || email_normalise(r->arena, string, address, &reason))
        return true;
    if (!reason)
        return false;
    struct text quoted = input_print(r->arena, &(struct input){.string = text_of(reason)});
    const char *message = arena_printf(r->arena, "value is not a valid email address: %s", reason);
    return quoted.at &&
           add_printed(r, &at, "value_error", message,
                       arena_printf(r->arena, "{\"reason\":%.*s}", (int)quoted.len, quoted.at), input);
}

static bool add_int_fault(struct reader *r, const struct fault_at *at, enum coercion coercion,
                          const struct input *input)
{
    static const struct fault faults[] = {
        [COERCION_PARSING] = {"int_parsing",
                              "Input should be a valid integer, unable to parse string as an integer", NULL},
        [COERCION_TYPE] = {"int_type", "Input should be a valid integer", NULL},
        [COERCION_FRACTION] = {"int_from_float",
                               "Input should be a valid integer, got a number with a fractional part", NULL},
        [COERCION_SIZE] = {"int_parsing_size",
                           "Unable to parse input string as an integer, exceeded maximum size", NULL},
    };

    return coercion != COERCION_NO_MEMORY && add_fault(r, at, &faults[coercion], input);
}

static bool read_int(struct reader *r, const struct field *field, const struct input *input, int64_t *into)
{
    bool bounded = field->min || field->max;
    int64_t low = bounded ? field->min : INT32_LOW;
    int64_t high = bounded ? field->max : INT32_HIGH;
    struct fault_at at = field_at(r, field);
    struct text digits;
    int64_t value;
    enum coercion coercion = coerce_digits(r->arena, input, &digits);

    if (coercion == COERCION_GOOD && !digits_value(digits, &value)) {
        if (digits.at[0] == '-' || !(field->flags & FIELD_CAPPED))
            coercion = COERCION_SIZE;
        value = INT64_MAX;
    }
    if (coercion != COERCION_GOOD)
        return add_int_fault(r, &at, coercion, input);
    if (value < low)
        return add_printed(
            r, &at, "greater_than_equal",
            arena_printf(r->arena, "Input should be greater than or equal to %lld", (long long)low),
            arena_printf(r->arena, "{\"ge\":%lld}", (long long)low), input);
    if (value > high)
        return add_printed(
            r, &at, "less_than_equal",
            arena_printf(r->arena, "Input should be less than or equal to %lld", (long long)high),
            arena_printf(r->arena, "{\"le\":%lld}", (long long)high), input);
    *into = value;
    return true;
}

static bool read_bool(struct reader *r, const struct field *field, const struct input *input, int8_t *into)
{
    static const struct fault parsing = {"bool_parsing",
                                         "Input should be a valid boolean, unable to interpret input", NULL};
    static const struct fault type = {"bool_type", "Input should be a valid boolean", NULL};
    struct fault_at at = field_at(r, field);
    bool value;

    switch (coerce_bool(input, &value)) {
    case COERCION_GOOD:
        *into = value ? 1 : 0;
        return true;
    case COERCION_PARSING:
        return add_fault(r, &at, &parsing, input);
    default:
        return add_fault(r, &at, &type, input);
    }
}

static bool read_list(struct reader *r, const struct field *field, const struct input *input,
                      struct texts *into)
{
    static const struct fault list_type = {"list_type", "Input should be a valid list", NULL};
    struct fault_at at = field_at(r, field);

    if (!input->value || json_type(input->value) != JSON_LIST)
        return add_fault(r, &at, &list_type, input);
    size_t count = json_count(json_raw(input->value));
    if (count > limits.list)
        return add_too_long(r, &at, "List", count, input);
    into->items = arena_zalloc(r->arena, count * sizeof(*into->items));
    into->count = count;
    if (!into->items)
        return false;
    struct input item = {.value = json_first(input->value)};
    for (at.item = 0; item.value; at.item++, item.value = json_next(item.value))
        if (!read_string(r, field, &at, &item, &into->items[at.item]))
            return false;
    return true;
}

/* Whether the input is an object; adds a fault if it is not. */
static bool is_object(struct reader *r, const struct field *field, const struct input *input)
{
    static const struct fault dict_type = {"dict_type", "Input should be a valid dictionary", NULL};
    struct fault_at at = field_at(r, field);

    if (input->value && json_type(input->value) == JSON_OBJECT)
        return true;
    add_fault(r, &at, &dict_type, input);
    return false;
}

/*
 * Prints the object with its values as integers. If no name occurs twice, the bytes between the values are
 * kept; if all values are integers already, all bytes are.
 */
static struct text print_int_map(struct arena *arena, const struct json *object,
                                 const struct json_entry *entries, const struct text *digits, size_t count)
{
    struct writer w = writer_start(arena);
    struct text raw = json_raw(object);
    bool as_sent = count == json_count(raw);
    const char *written = raw.at;

    for (size_t i = 0; i < count; i++) {
        struct text value = json_raw(entries[i].value);
        if (as_sent) {
            write_bytes(&w, written, (size_t)(value.at - written));
            written = value.at + value.len;
        } else {
            write_char(&w, i ? ',' : '{');
            write_json_text(&w, entries[i].name);
            write_char(&w, ':');
        }
        write_text(&w, digits[i]);
    }
    if (as_sent)
        write_bytes(&w, written, (size_t)(raw.at + raw.len - written));
    else
        write_char(&w, '}');
    return w.failed ? TEXT_NULL : (struct text){w.at, w.len};
}

static bool read_int_map(struct reader *r, const struct field *field, const struct input *input,
                         struct kept_json *into)
{
    struct fault_at at = field_at(r, field);
    struct json_entry *entries;
    size_t count, faults = r->faults->count;

    if (!json_entries(r->arena, input->value, &entries, &count))
        return false;
    struct text *digits = arena_alloc(r->arena, count * sizeof(*digits));
    if (!digits)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct input item = {.value = entries[i].value};
        enum coercion coercion = coerce_digits(r->arena, &item, &digits[i]);
        if (coercion == COERCION_GOOD && digits[i].len > JSON_DIGITS + (digits[i].at[0] == '-'))
            coercion = COERCION_SIZE;
        at.member = entries[i].name;
        if (coercion != COERCION_GOOD && !add_int_fault(r, &at, coercion, &item))
            return false;
    }
    if (r->faults->count > faults)
        return true;
    at.member = TEXT_NULL;
    if (count > limits.list)
        return add_too_long(r, &at, "Dictionary", count, input);
    into->bytes = print_int_map(r->arena, input->value, entries, digits, count);
    return into->bytes.at;
}

static bool read_value(struct reader *r, const struct field *field, const struct input *input)
{
    void *into = r->into + field->at;
    struct fault_at at = field_at(r, field);

    if (input->value && json_type(input->value) == JSON_NULL && field->flags & FIELD_NULLABLE)
        return true;
    switch (field->type) {
    case FIELD_TEXT:
        return read_string(r, field, &at, input, into);
    case FIELD_EMAIL:
        return read_email(r, field, input, into);
    case FIELD_INT:
        return read_int(r, field, input, into);
    case FIELD_BOOL:
        return read_bool(r, field, input, into);
    case FIELD_TEXTS:
        return read_list(r, field, input, into);
    case FIELD_OBJECT:
        if (is_object(r, field, input))
            ((struct kept_json *)into)->bytes = json_raw(input->value);
        return !r->faults->out.failed;
    case FIELD_INT_MAP:
        return is_object(r, field, input) ? read_int_map(r, field, input, into) : !r->faults->out.failed;
    default: /* FIELD_IGNORED, and types of output only */
        return true;
    }
}

static void set_null(const struct field *field, char *into)
{
    void *value = into + field->at;

    switch (field->type) {
    case FIELD_INT:
        *(int64_t *)value = INT_NULL;
        break;
    case FIELD_TIME_NAIVE:
    case FIELD_TIME_Z:
    case FIELD_TIME_OFFSET:
        *(struct moment *)value = MOMENT_NULL;
        break;
    case FIELD_BOOL:
        *(int8_t *)value = BOOL_NULL;
        break;
    case FIELD_FLOAT:
        *(double *)value = NAN;
        break;
    default: /* a cleared text or list is null; the others have no value */
        break;
    }
}

/* Reads a field that was not sent; `whole` is the printed input that lacks it. */
static bool read_absent(struct reader *r, const struct field *field, struct text whole)
{
    struct fault_at at = field_at(r, field);
    struct json_error error;
    struct input input = {0};

    if (field->flags & FIELD_REQUIRED) {
        faults_add(r->faults, &at, &fault_missing, whole);
        return !r->faults->out.failed;
    }
    if (!field->fallback)
        return true;
    return json_parse(r->arena, text_of(field->fallback), &input.value, &error) == JSON_OK &&
           read_value(r, field, &input);
}

static bool read_sent(struct reader *r, const struct field *field, const struct input *input)
{
    if (field->sent_at)
        *(int8_t *)(r->into + field->sent_at) = 1;
    return read_value(r, field, input);
}

bool shape_read_json(const struct shape *shape, struct arena *arena, const struct json *value, void *into,
                     struct faults *faults)
{
    static const struct fault_at body = {.place = FAULT_BODY, .item = -1};
    struct reader r = {.arena = arena, .faults = faults, .place = FAULT_BODY, .into = into};
    struct text whole = TEXT_NULL;

    for (size_t i = 0; i < shape->count; i++)
        set_null(&shape->fields[i], into);
    if (!value || json_type(value) == JSON_NULL) {
        faults_add(faults, &body, &fault_missing, TEXT("null"));
        return !faults->out.failed;
    }
    if (json_type(value) != JSON_OBJECT)
        return add_fault(&r, &body, &fault_no_object, &(struct input){.value = value});
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        struct input input = {.value = json_member(value, field->name)};
        if (input.value) {
            if (!read_sent(&r, field, &input))
                return false;
            continue;
        }
        if (field->flags & FIELD_REQUIRED && !whole.at)
            whole = input_print(arena, &(struct input){.value = value});
        if (!read_absent(&r, field, whole))
            return false;
    }
    return true;
}

bool shape_read_texts(const struct shape *shape, struct arena *arena, const struct named_text *texts,
                      size_t count, enum fault_place place, void *into, struct faults *faults)
{
    struct reader r = {.arena = arena, .faults = faults, .place = place, .into = into};

    for (size_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        const struct named_text *last = NULL;
        set_null(field, into);
        for (size_t k = 0; k < count; k++)
            if (text_equal(texts[k].name, text_of(field->name)))
                last = &texts[k];
        struct input input = {.string = last ? last->value : TEXT_NULL};
        if (last ? !read_sent(&r, field, &input) : !read_absent(&r, field, TEXT("null")))
            return false;
    }
    return true;
}
