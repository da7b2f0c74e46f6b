#include "common/pg/encode.h"

#include <endian.h>
#include <math.h>

#include "common/pg/column.h"

/* Microseconds from 1970-01-01, our epoch, to 2000-01-01, PostgreSQL's. */
#define POSTGRES_EPOCH 946684800000000

#define ARRAY_HEADER 20 /* bytes: dimensions, null flag, element type, length, lower bound */

/* A growing buffer in the arena; `failed` is sticky. */
struct bytes {
    struct arena *arena;
    char *at;
    size_t len, size;
    bool failed;
};

static char *bytes_room(struct bytes *b, size_t len)
{
    if (b->failed)
        return NULL;
    if (len > b->size - b->len) {
        size_t size = b->size ? b->size * 2 : 256;
        while (size < b->len + len)
            size *= 2;
        char *at = arena_grow(b->arena, b->at, b->size, size);
        if (!at) {
            b->failed = true;
            return NULL;
        }
        b->at = at;
        b->size = size;
    }
    b->len += len;
    return b->at + b->len - len;
}

static void put(struct bytes *b, const void *from, size_t len)
{
    char *room = bytes_room(b, len);

    if (room && len)
        memcpy(room, from, len);
}

static void put_text(struct bytes *b, struct text t)
{
    put(b, t.at, t.len);
}

static void put_int32(struct bytes *b, uint32_t n)
{
    n = htobe32(n);
    put(b, &n, sizeof(n));
}

static void put_int64(struct bytes *b, uint64_t n)
{
    n = htobe64(n);
    put(b, &n, sizeof(n));
}

/* The largest stands for `infinity`, as it does in what is read. */
static void put_time(struct bytes *b, struct moment moment)
{
    put_int64(b, (uint64_t)(moment.us == INT64_MAX ? INT64_MAX : moment.us - POSTGRES_EPOCH));
}

/* The header of an array without nulls, as array_recv reads it. */
static void put_array_header(struct bytes *b, enum column_type element, size_t count)
{
    put_int32(b, count ? 1 : 0);
    put_int32(b, 0);
    put_int32(b, column_oid(element, false));
    if (!count)
        return;
    put_int32(b, (uint32_t)count);
    put_int32(b, 1);
}

static void put_text_array(struct bytes *b, const struct texts *list)
{
    put_array_header(b, COLUMN_TEXT, list->count);
    for (size_t i = 0; i < list->count; i++) {
        put_int32(b, (uint32_t)list->items[i].len);
        put_text(b, list->items[i]);
    }
}

static void put_time_array(struct bytes *b, const struct moments *list)
{
    put_array_header(b, COLUMN_TIME, list->count);
    for (size_t i = 0; i < list->count; i++) {
        put_int32(b, sizeof(int64_t));
        put_time(b, list->items[i]);
    }
}

/* `{"a","b\"c"}`: the array literal of the PostgreSQL manual, section 8.15.6, every element quoted. */
static void put_array_literal(struct bytes *b, const struct texts *list)
{
    put(b, "{", 1);
    for (size_t i = 0; i < list->count; i++) {
        const struct text *item = &list->items[i];
        put(b, ",\"", i ? 2 : 0);
        if (!i)
            put(b, "\"", 1);
        for (size_t k = 0; k < item->len; k++) {
            if (item->at[k] == '"' || item->at[k] == '\\')
                put(b, "\\", 1);
            put(b, &item->at[k], 1);
        }
        put(b, "\"", 1);
    }
    put(b, "}", 1);
}

static bool is_null(enum column_type type, const void *value)
{
    switch (type) {
    case COLUMN_TEXT:
        return !((const struct text *)value)->at;
    case COLUMN_JSON:
        return !((const struct kept_json *)value)->bytes.at;
    case COLUMN_INT:
        return *(const int64_t *)value == INT_NULL;
    case COLUMN_TIME:
        return moment_is_null(*(const struct moment *)value);
    case COLUMN_BOOL:
        return *(const int8_t *)value == BOOL_NULL;
    case COLUMN_FLOAT:
        return isnan(*(const double *)value);
    case COLUMN_TEXTS:
        return !((const struct texts *)value)->items;
    case COLUMN_TIMES:
        return !((const struct moments *)value)->items;
    }
    return true;
}

static void put_value(struct bytes *b, enum column_type type, const void *value, bool in_array)
{
    switch (type) {
    case COLUMN_TEXT:
        put_text(b, *(const struct text *)value);
        return;
    case COLUMN_JSON:
        put_text(b, ((const struct kept_json *)value)->bytes);
        return;
    case COLUMN_INT:
        put_int64(b, (uint64_t) * (const int64_t *)value);
        return;
    case COLUMN_TIME:
        put_time(b, *(const struct moment *)value);
        return;
    case COLUMN_BOOL:
        put(b, *(const int8_t *)value ? "\1" : "\0", 1);
        return;
    case COLUMN_FLOAT: {
        uint64_t bits;
        memcpy(&bits, value, sizeof(bits));
        put_int64(b, bits);
        return;
    }
    case COLUMN_TEXTS:
        if (in_array)
            put_array_literal(b, value);
        else
            put_text_array(b, value);
        return;
    case COLUMN_TIMES:
        put_time_array(b, value);
        return;
    }
}

bool column_encode(struct arena *arena, const struct column *column, const void *params, struct text *out)
{
    const void *value = (const char *)params + column->at;
    struct bytes b = {.arena = arena};

    *out = TEXT_NULL;
    if (is_null(column->type, value))
        return true;
    bytes_room(&b, 0);
    put_value(&b, column->type, value, false);
    *out = (struct text){b.at ? b.at : "", b.len};
    return !b.failed;
}

bool column_encode_array(struct arena *arena, const struct column *column, const void *const *params,
                         size_t count, struct text *out)
{
    struct bytes b = {.arena = arena};
    bool null_inside = false;
    enum column_type element = column->type == COLUMN_TEXTS ? COLUMN_TEXT : column->type;

    bytes_room(&b, ARRAY_HEADER);
    for (size_t i = 0; i < count; i++) {
        const void *value = params[i] ? (const char *)params[i] + column->at : NULL;
        if (!value || is_null(column->type, value)) {
            put_int32(&b, UINT32_MAX);
            null_inside = true;
            continue;
        }
        size_t length_at = b.len;
        put_int32(&b, 0);
        put_value(&b, column->type, value, true);
        if (b.failed)
            return false;
        uint32_t length = htobe32((uint32_t)(b.len - length_at - sizeof(length)));
        memcpy(b.at + length_at, &length, sizeof(length));
    }
    if (b.failed)
        return false;
    uint32_t header[5] = {htobe32(1), htobe32(null_inside), htobe32(column_oid(element, false)),
                          htobe32((uint32_t)count), htobe32(1)};
    memcpy(b.at, header, sizeof(header));
    *out = (struct text){b.at, b.len};
    return true;
}

static size_t texts_size(const struct texts *list)
{
    size_t size = 0;

    for (size_t i = 0; i < list->count; i++)
        size += list->items[i].len;
    return size;
}

size_t params_size(const struct statement *statement, const void *params)
{
    size_t size = 0;

    for (size_t i = 0; i < statement->param_count; i++) {
        const void *value = (const char *)params + statement->params[i].at;
        if (statement->params[i].type == COLUMN_TEXT)
            size += ((const struct text *)value)->len;
        else if (statement->params[i].type == COLUMN_JSON)
            size += ((const struct kept_json *)value)->bytes.len;
        else if (statement->params[i].type == COLUMN_TEXTS)
            size += texts_size(value);
        else if (statement->params[i].type == COLUMN_TIMES)
            size += ((const struct moments *)value)->count * sizeof(struct moment);
    }
    return size;
}
