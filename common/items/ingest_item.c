/* One item: from its bytes to the service's struct, or to a description of what is wrong with it. */
#include "common/items/ingest_items.h"

#include "common/serve/settings.h"
#include "common/serve/worker.h"

#define CLIENT_ID_MAX 64 /* characters */

void item_fail(struct item *item, int code, const char *detail)
{
    item->state = ITEM_FAILED;
    item->code = code;
    item->detail = detail;
}

static bool fail_by(struct item *item, struct faults *faults)
{
    item_fail(item, 422, faults->first);
    write_char(&faults->out, ']');
    item->errors = (struct text){faults->out.at, faults->out.len};
    return faults->first && !faults->out.failed;
}

bool item_fail_json(struct items *items, struct item *item, const struct json_error *error)
{
    struct faults faults = faults_start_item(&items->rq->arena, item - items->list);

    faults_add_invalid_json(&faults, error);
    return fail_by(item, &faults);
}

/* The two members that only items have: what their shape cannot check */

static void add_fault(struct faults *faults, const char *field, const char *type, const char *message)
{
    const struct fault_at at = {.place = FAULT_BODY, .field = field, .item = -1};

    if (message)
        faults_add(faults, &at, &(struct fault){type, message, NULL}, TEXT("null"));
    else
        faults->out.failed = true;
}

static bool is_client_id(struct text id)
{
    static const char others[] = "._:-";
    bool good = id.len >= 1 && id.len <= CLIENT_ID_MAX;

    for (size_t i = 0; good && i < id.len; i++) {
        char c = id.at[i];
        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               memchr(others, c, 4);
    }
    return good;
}

static void check_time(struct items *items, struct item *item, struct faults *faults)
{
    const struct ingest *of = items->of;
    struct text told = *item_text(item, of->told_time);
    struct moment *at = item_time(item, of->timestamp);
    const struct settings *settings = items->rq->worker->settings;
    int64_t future = settings->ingest.future, kept = settings->retention.days * MOMENT_DAY;

    *at = *item_time(item, of->received_at) = MOMENT_NULL;
    if (!told.at)
        return;
    if (!iso8601_read_time(told, at)) {
        add_fault(faults, "timestamp", "value_error", "not a time such as 2025-04-19T08:39:43.599Z");
        return;
    }
    int64_t ahead = at->us - items->received_at.us;
    if (ahead > future * MOMENT_SECOND)
        add_fault(faults, "timestamp", "value_error",
                  arena_printf(&items->rq->arena, "timestamp is %lld s ahead of this service's clock",
                               (long long)(ahead / MOMENT_SECOND)));
    else if (at->us < 0)
        add_fault(faults, "timestamp", "value_error", "timestamp is before 1970-01-01");
    else if (kept && at->us < items->received_at.us - kept)
        add_fault(faults, "timestamp", "value_error",
                  arena_printf(&items->rq->arena, "timestamp is older than the %lld days that are kept",
                               (long long)settings->retention.days));
    *item_time(item, of->received_at) = items->received_at;
}

/* Moves the memory of a value from the scratch arena to the request's. False: no memory. */
static bool keep_value(struct arena *arena, const struct field *field, void *value)
{
    struct text *text = value;
    struct texts *list = value;

    switch (field->type) {
    case FIELD_TEXT:
    case FIELD_EMAIL:
    case FIELD_INT_MAP: /* a struct with one text */
        if (!text->at)
            return true;
        *text = arena_text(arena, *text);
        return text->at;
    case FIELD_TEXTS: {
        if (!list->items)
            return true;
        struct text *kept = arena_alloc(arena, (list->count ? list->count : 1) * sizeof(*kept));
        for (size_t i = 0; kept && i < list->count; i++) {
            kept[i] = arena_text(arena, list->items[i]);
            if (!kept[i].at)
                return false;
        }
        list->items = kept;
        return kept;
    }
    default: /* the type has no memory of its own, or points into the body */
        return true;
    }
}

static bool keep(struct items *items, struct item *item)
{
    const struct shape *shape = items->of->item;

    for (size_t i = 0; i < shape->count; i++)
        if (!keep_value(&items->rq->arena, &shape->fields[i], (char *)item->in + shape->fields[i].at))
            return false;
    return !items->of->prepare || items->of->prepare(items->rq, item->in);
}

enum json_status item_read(struct items *items, struct item *item, struct text bytes,
                           struct json_error *error)
{
    const struct ingest *of = items->of;
    struct faults faults = faults_start_item(&items->rq->arena, item - items->list);
    const struct json_view view = shape_view(of->item);
    const struct json *value;

    item->size = bytes.len;
    arena_reset(&items->scratch);
    enum json_status status = json_parse_seen(&items->scratch, bytes, &view, &value, error);
    if (status != JSON_OK)
        return status;
    item->in = arena_zalloc(&items->rq->arena, of->item->size);
    if (!item->in || !shape_read_json(of->item, &items->scratch, value, item->in, &faults))
        return JSON_NO_MEMORY;
    struct text id = *item_text(item, of->client_id);
    if (id.at && !is_client_id(id))
        add_fault(&faults, "client_id", "string_pattern_mismatch",
                  "String should match pattern '^[A-Za-z0-9._:-]{1,64}$'");
    check_time(items, item, &faults);
    if (faults.count)
        return fail_by(item, &faults) ? JSON_OK : JSON_NO_MEMORY;
    return !faults.out.failed && keep(items, item) ? JSON_OK : JSON_NO_MEMORY;
}
