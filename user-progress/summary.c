#include "user-progress/summary.h"

#include <stdlib.h>

#include "common/auth/auth.h"
#include "common/http/request.h"
#include "common/serve/query.h"
#include "common/shape/declare.h"
#include "directory/directory.h"
#include "user-progress/summary.sql.h"

struct summary {
    struct text user_id;
    int64_t log_count;
    struct text first_date, last_date;
    struct kept_json averages;
};

#define OF struct summary
static const struct field summary_fields[] = {
    FIELD(TEXT, user_id, .example = "\"7be06c80-fbc6-4280-aed1-16f8749df77b\""),
    FIELD(INT, log_count, .example = "3"),
    FIELD(TEXT, first_date, .flags = FIELD_NULLABLE, .help = "null if there are no entries.",
          .example = "\"2025-04-19\""),
    FIELD(TEXT, last_date, .flags = FIELD_NULLABLE, .example = "\"2025-04-21\""),
    FIELD_NAMED(MEMBERS, NULL, averages,
                .help = "average_<member> for each member that is a number in any entry, over the entries in "
                        "which it is one, in the order in which the members first appear."),
};

const struct shape progress_summary_shape =
    SHAPE("ProgressSummary", "Totals of a user's entries.", summary_fields);
#undef OF

struct dated_members {
    struct text date;
    struct kept_json members;
};

STATEMENT(list_members, REPORT, PARAMS(struct user_path, user_id), ROW(struct dated_members, date, members));

/* A number of an entry; later the sum of all numbers with its name. */
struct number {
    struct text name;
    size_t place; /* among all numbers; of a sum: the first place of its name */
    long double value;
    size_t count;
};

struct numbers {
    struct number *items;
    size_t count, room;
};

static bool add_number(struct arena *arena, struct numbers *numbers, struct text name, double value)
{
    if (numbers->count == numbers->room) {
        size_t size = sizeof(*numbers->items), room = numbers->room ? numbers->room * 2 : 64;
        void *items = arena_grow(arena, numbers->items, numbers->room * size, room * size);
        if (!items)
            return false;
        numbers->items = items;
        numbers->room = room;
    }
    numbers->items[numbers->count] = (struct number){name, numbers->count, value, 1};
    numbers->count++;
    return true;
}

/* Adds the numbers of an entry to the list; false when memory is exhausted. */
static bool add_numbers(struct arena *arena, struct numbers *numbers, struct text members)
{
    const struct json *object;
    struct json_error error;

    if (json_parse(arena, members, &object, &error) != JSON_OK)
        return false;
    for (const struct json *m = json_first(object); m; m = json_next(m))
        if (json_type(m) == JSON_NUMBER && !add_number(arena, numbers, json_name(m), json_double(m)))
            return false;
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct number *one = a, *two = b;

    return one->place < two->place ? -1 : one->place > two->place;
}

static int by_name(const void *a, const void *b)
{
    const struct number *one = a, *two = b;
    size_t len = one->name.len < two->name.len ? one->name.len : two->name.len;
    int order = memcmp(one->name.at, two->name.at, len);

    if (order == 0 && one->name.len != two->name.len)
        return one->name.len < two->name.len ? -1 : 1;
    return order ? order : by_place(a, b);
}

/* Reduces the list to one sum per name, in the order in which the names first appeared. */
static void add_up(struct numbers *numbers)
{
    size_t sums = 0;

    if (!numbers->count)
        return;
    qsort(numbers->items, numbers->count, sizeof(*numbers->items), by_name);
    for (size_t i = 1; i < numbers->count; i++) {
        struct number *sum = &numbers->items[sums];
        if (text_equal(sum->name, numbers->items[i].name)) {
            sum->value += numbers->items[i].value;
            sum->count++;
        } else {
            numbers->items[++sums] = numbers->items[i];
        }
    }
    numbers->count = sums + 1;
    qsort(numbers->items, numbers->count, sizeof(*numbers->items), by_place);
}

static struct text print_averages(struct arena *arena, const struct numbers *numbers)
{
    struct writer w = writer_start(arena);

    write_char(&w, '{');
    for (size_t i = 0; i < numbers->count; i++) {
        const struct number *sum = &numbers->items[i];
        struct writer name = writer_start(arena);
        write_literal(&name, "average_");
        write_text(&name, sum->name);
        w.failed = w.failed || name.failed;
        write_text(&w, i ? TEXT(",") : TEXT(""));
        write_json_text(&w, (struct text){name.at, name.len});
        write_char(&w, ':');
        write_float(&w, (double)(sum->value / (long double)sum->count));
    }
    write_char(&w, '}');
    return w.failed ? TEXT_NULL : (struct text){w.at, w.len};
}

/* Printed dates sort like the days they mean. */
static bool is_before(struct text a, struct text b)
{
    return memcmp(a.at, b.at, a.len < b.len ? a.len : b.len) < 0;
}

enum reply progress_summary_get(struct request *rq)
{
    struct summary summary = {.user_id = ((const struct user_path *)rq->path)->user_id};
    struct numbers numbers = {0};
    struct rows rows;

    if (!auth_require_user(rq, summary.user_id) ||
        query_rows(rq, &list_members, rq->path, &rows) == QUERY_REPLIED)
        return REPLIED;
    const struct dated_members *entries = rows.items;
    for (size_t i = 0; i < rows.count; i++) {
        if (!add_numbers(&rq->arena, &numbers, entries[i].members.bytes))
            return reply_unavailable(rq);
        if (i == 0 || is_before(entries[i].date, summary.first_date))
            summary.first_date = entries[i].date;
        if (i == 0 || is_before(summary.last_date, entries[i].date))
            summary.last_date = entries[i].date;
    }
    add_up(&numbers);
    summary.log_count = (int64_t)rows.count;
    summary.averages.bytes = print_averages(&rq->arena, &numbers);
    return summary.averages.bytes.at ? reply(rq, &progress_summary_shape, &summary) : reply_unavailable(rq);
}
