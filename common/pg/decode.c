#include "common/pg/decode.h"

#include <endian.h>
#include <libpq-fe.h>
#include <math.h>
#include <string.h>

#include "common/base/log.h"
#include "common/pg/column.h"

#define POSTGRES_EPOCH 946684800000000 /* microseconds from 1970 to 2000 */

/* Converts microseconds since 2000 to those since 1970; `infinity` and values near it stay the largest. */
static struct moment time_of(int64_t since_2000)
{
    struct moment moment;

    if (__builtin_add_overflow(since_2000, POSTGRES_EPOCH, &moment.us))
        moment.us = INT64_MAX;
    return moment;
}

static int64_t integer_at(const PGresult *result, int row, int column)
{
    const char *at = PQgetvalue(result, row, column);
    uint16_t n2;
    uint32_t n4;
    uint64_t n8;

    switch (PQgetlength(result, row, column)) {
    case 2:
        memcpy(&n2, at, sizeof(n2));
        return (int16_t)be16toh(n2);
    case 4:
        memcpy(&n4, at, sizeof(n4));
        return (int32_t)be32toh(n4);
    case 8:
        memcpy(&n8, at, sizeof(n8));
        return (int64_t)be64toh(n8);
    default:
        return INT_NULL; /* not an integer: decode_result lets none through */
    }
}

static uint32_t word_at(const char *at)
{
    uint32_t n;

    memcpy(&n, at, sizeof(n));
    return be32toh(n);
}

/*
 * Reads a text array as array_send writes it; of an array of another shape, or with nulls, what can be read.
 */
static bool texts_at(struct arena *arena, const char *at, size_t len, struct texts *out)
{
    size_t count = len >= 20 && word_at(at) == 1 ? word_at(at + 12) : 0;
    const char *end = at + len;

    out->count = 0;
    if (count > len / 4)
        return false;
    out->items = arena_alloc(arena, (count ? count : 1) * sizeof(*out->items));
    if (!out->items)
        return false;
    at += 20;
    for (size_t i = 0; i < count && end - at >= 4; i++) {
        uint32_t size = word_at(at);
        at += 4;
        if (size == UINT32_MAX) {
            out->items[out->count++] = TEXT_NULL;
            continue;
        }
        if (size > (size_t)(end - at))
            return false;
        struct text item = arena_text(arena, (struct text){at, size});
        if (!item.at)
            return false;
        out->items[out->count++] = item;
        at += size;
    }
    return true;
}

static bool text_at(struct arena *arena, bool null, struct text at, struct text *out)
{
    *out = null ? TEXT_NULL : arena_text(arena, at);
    return null || out->at;
}

static bool decode_value(struct arena *arena, const PGresult *result, int row, int column,
                         enum column_type type, void *into)
{
    bool null = PQgetisnull(result, row, column);
    const char *at = PQgetvalue(result, row, column);
    size_t len = (size_t)PQgetlength(result, row, column);
    int64_t n;

    switch (type) {
    case COLUMN_TEXT:
        return text_at(arena, null, (struct text){at, len}, into);
    case COLUMN_JSON:
        return text_at(arena, null, (struct text){at, len}, &((struct kept_json *)into)->bytes);
    case COLUMN_INT:
        *(int64_t *)into = null ? INT_NULL : integer_at(result, row, column);
        return true;
    case COLUMN_TIME:
        *(struct moment *)into = null ? MOMENT_NULL : time_of(integer_at(result, row, column));
        return true;
    case COLUMN_BOOL:
        *(int8_t *)into = null ? BOOL_NULL : *at;
        return true;
    case COLUMN_FLOAT:
        n = null ? 0 : integer_at(result, row, column);
        if (null)
            *(double *)into = NAN;
        else
            memcpy(into, &n, sizeof(n));
        return true;
    case COLUMN_TEXTS:
        *(struct texts *)into = (struct texts){NULL, 0};
        return null || texts_at(arena, at, len, into);
    case COLUMN_TIMES: /* of parameters only: column_takes lets no result through */
        break;
    }
    return false;
}

static bool decode_row(struct call *call, const PGresult *result, int row, int first_column)
{
    const struct statement *st = call->statement;

    if (call->first_only && call->count)
        return true;
    if (call->bytes_most && call->count && arena_used(call->arena) > call->bytes_most) {
        call->cut = true;
        return true;
    }
    if (call->count == call->room) {
        size_t room = call->room ? call->room * 2 : call->first_only ? 1 : 16;
        char *rows = arena_grow(call->arena, call->rows, call->room * st->row_size, room * st->row_size);
        if (!rows)
            return false;
        call->rows = rows;
        call->room = room;
    }
    char *into = call->rows + call->count * st->row_size;
    for (size_t i = 0; i < st->column_count; i++)
        if (!decode_value(call->arena, result, row, first_column + (int)i, st->row[i].type,
                          into + st->row[i].at))
            return false;
    call->count++;
    return true;
}

/* Whether the columns are those declared: the binary form of another type would be misread. */
static bool is_declared(const struct statement *st, const PGresult *result)
{
    int first = st->set ? 1 : 0;

    if (PQnfields(result) != (int)st->column_count + first)
        return false;
    if (first && !column_takes(COLUMN_INT, PQftype(result, 0)))
        return false;
    for (size_t i = 0; i < st->column_count; i++)
        if (!column_takes(st->row[i].type, PQftype(result, first + (int)i)))
            return false;
    return true;
}

static void refuse_all(const struct execution *execution)
{
    log_line(LOG_ERROR, "a statement returns other columns than declared", "statement",
             execution->statement->name, NULL);
    for (size_t i = 0; i < execution->count; i++)
        if (execution->calls[i])
            execution->calls[i]->state = CALL_UNAVAILABLE;
}

void decode_result(const struct execution *execution, const PGresult *result)
{
    int rows = PQntuples(result);
    bool set = execution->statement->set;

    if (rows && !is_declared(execution->statement, result)) {
        refuse_all(execution);
        return;
    }
    for (int row = 0; row < rows; row++) {
        int64_t n = set ? integer_at(result, row, 0) : 1; /* a null is below 1 too */
        if (n < 1 || n > (int64_t)execution->count)
            continue;
        struct call *call = execution->calls[n - 1];
        if (call && !decode_row(call, result, row, set ? 1 : 0))
            call->state = CALL_UNAVAILABLE;
    }
}
