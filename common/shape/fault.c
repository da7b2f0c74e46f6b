#include "common/shape/fault.h"

#include "common/shape/coerce.h"

const struct fault fault_missing = {"missing", "Field required", NULL};
const struct fault fault_no_object = {
    "model_attributes_type", "Input should be a valid dictionary or object to extract fields from", NULL};

struct faults faults_start(struct arena *arena)
{
    return (struct faults){.out = writer_start(arena)};
}

struct faults faults_start_item(struct arena *arena, int64_t index)
{
    return (struct faults){.out = writer_start(arena), .of_item = true, .index = index};
}

/* The end of the first so many code points. */
static struct text cut(struct text t, size_t points)
{
    size_t len = 0;

    while (len < t.len && points--)
        for (len++; len < t.len && ((unsigned char)t.at[len] & 0xc0) == 0x80;)
            len++;
    return (struct text){t.at, len};
}

static void write_place(struct writer *w, const struct fault_at *at, const struct faults *of)
{
    static const char *const places[] = {
        [FAULT_PATH] = "path", [FAULT_QUERY] = "query", [FAULT_BODY] = "body"};

    write_char(w, '[');
    write_json_text(w, text_of(places[at->place]));
    if (of->of_item) {
        write_char(w, ',');
        write_int(w, of->index);
    }
    if (at->field) {
        write_char(w, ',');
        write_json_text(w, text_of(at->field));
    }
    if (at->member.at) {
        write_char(w, ',');
        write_json_text(w, of->of_item ? cut(at->member, FAULT_NAME_MAX) : at->member);
    }
    if (at->item >= 0) {
        write_char(w, ',');
        write_int(w, at->item);
    }
    write_char(w, ']');
}

void faults_add(struct faults *faults, const struct fault_at *at, const struct fault *fault,
                struct text input)
{
    struct writer *w = &faults->out;

    if (faults->count == (faults->of_item ? ITEM_FAULTS_LIMIT : FAULTS_LIMIT))
        return;
    if (faults->of_item && !faults->count)
        faults->first = arena_string(w->arena, text_of(fault->message));
    if (faults->count++)
        write_char(w, ',');
    else if (faults->of_item)
        write_char(w, '[');
    write_literal(w, "{\"type\":");
    write_json_text(w, text_of(fault->type));
    write_literal(w, ",\"loc\":");
    write_place(w, at, faults);
    write_literal(w, ",\"msg\":");
    write_json_text(w, text_of(fault->message));
    if (!faults->of_item) {
        write_literal(w, ",\"input\":");
        write_text(w, input);
    }
    if (fault->context) {
        write_literal(w, ",\"ctx\":");
        write_text(w, text_of(fault->context));
    }
    write_char(w, '}');
    if (!input.at)
        w->failed = true;
}

struct text input_print(struct arena *arena, const struct input *input)
{
    struct writer w = writer_start(arena);

    if (input->value)
        write_json_again(&w, input->value);
    else
        write_json_text(&w, input->string);
    return w.failed ? TEXT_NULL : (struct text){w.at, w.len};
}

void faults_add_invalid_json(struct faults *faults, const struct json_error *error)
{
    struct fault_at at = {.place = FAULT_BODY, .item = (int64_t)error->position};
    struct writer context = writer_start(faults->out.arena);

    write_literal(&context, "{\"error\":");
    write_json_text(&context, text_of(error->reason));
    write_bytes(&context, "}", sizeof("}"));
    if (context.failed)
        faults->out.failed = true;
    else
        faults_add(faults, &at, &(struct fault){"json_invalid", "JSON decode error", context.at}, TEXT("{}"));
}

/* The bytes, with U+FFFD for each that is not part of valid UTF-8. */
static struct text readable(struct arena *arena, struct text body)
{
    struct writer w = writer_start(arena);

    for (size_t i = 0; i < body.len;) {
        size_t len = text_sequence(body, i);
        if (len)
            write_bytes(&w, body.at + i, len);
        else
            write_literal(&w, "\xef\xbf\xbd");
        i += len ? len : 1;
    }
    return w.failed ? TEXT_NULL : (struct text){w.at, w.len};
}

void faults_add_not_json(struct faults *faults, struct text body)
{
    static const struct fault_at at = {.place = FAULT_BODY, .item = -1};
    struct arena *arena = faults->out.arena;

    if (!body.len) {
        faults_add(faults, &at, &fault_missing, TEXT("null"));
        return;
    }
    struct text string = text_is_utf8(body) ? body : readable(arena, body);
    struct text input = string.at ? input_print(arena, &(struct input){.string = string}) : TEXT_NULL;
    faults_add(faults, &at, &fault_no_object, input);
}
