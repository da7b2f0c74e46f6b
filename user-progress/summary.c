#include "user-progress/summary.h"

#include <search.h>

#include "common/auth/auth.h"
#include "common/base/turn.h"
#include "common/http/request.h"
#include "common/serve/pages.h"
#include "common/shape/declare.h"
#include "directory/directory.h"
#include "user-progress/entry.h"
#include "user-progress/progress_log.h"

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

/* The numbers of one name, added up. */
struct sum {
    struct text name;
    long double total;
    size_t count;
    struct sum *next; /* the one whose name appeared next */
};

/* The sums of all names; in the request's memory, but for the tree. */
struct sums {
    void *tree; /* of tsearch(3), by name */
    struct sum *first, **end;
};

static int by_name(const void *a, const void *b)
{
    return text_compare(((const struct sum *)a)->name, ((const struct sum *)b)->name);
}

/* The sum of a name, which is copied if it is new; NULL when memory is exhausted. */
static struct sum *sum_of(struct sums *sums, struct arena *arena, struct text name)
{
    const struct sum key = {.name = name};
    void *node = tfind(&key, &sums->tree, by_name);

    if (node)
        return *(struct sum **)node;
    struct sum *sum = arena_zalloc(arena, sizeof(*sum));
    if (!sum)
        return NULL;
    sum->name = arena_text(arena, name);
    if (!sum->name.at || !tsearch(sum, &sums->tree, by_name))
        return NULL;
    *sums->end = sum;
    sums->end = &sum->next;
    return sum;
}

static void leave(void *sum)
{
    (void)sum; /* it lies in the arena */
}

/* Adds the numbers of an entry, whose values lie in the page's memory; false when memory is exhausted. */
static bool add_numbers(struct sums *sums, struct arena *arena, struct arena *page, struct text members)
{
    const struct json *object;
    struct json_error error;

    if (json_parse(page, members, &object, &error) != JSON_OK)
        return false;
    for (const struct json *m = json_first(object); m; m = json_next(m)) {
        if (json_type(m) != JSON_NUMBER)
            continue;
        struct sum *sum = sum_of(sums, arena, json_name(m));
        if (!sum)
            return false;
        sum->total += json_double(m);
        sum->count++;
    }
    return true;
}

static struct text print_averages(struct arena *arena, const struct sums *sums)
{
    struct writer w = writer_start(arena);

    write_char(&w, '{');
    for (const struct sum *sum = sums->first; sum; sum = sum->next) {
        struct writer name = writer_start(arena);
        write_literal(&name, "average_");
        write_text(&name, sum->name);
        w.failed = w.failed || name.failed;
        write_text(&w, sum == sums->first ? TEXT("") : TEXT(","));
        write_json_text(&w, (struct text){name.at, name.len});
        write_char(&w, ':');
        write_float(&w, (double)(sum->total / (long double)sum->count));
        turn_share();
    }
    write_char(&w, '}');
    return w.failed ? TEXT_NULL : (struct text){w.at, w.len};
}

/* Adds the entries of a page, which has some; false when memory is exhausted. */
static bool add_page(struct summary *summary, struct sums *sums, struct pages *page)
{
    struct arena *arena = &page->rq->arena;
    const struct progress_entry *entries = page->rows.items;
    struct text first = summary->log_count ? summary->first_date : entries->date;
    struct text last = summary->log_count ? summary->last_date : entries->date;

    for (size_t i = 0; i < page->rows.count; i++) {
        if (!add_numbers(sums, arena, &page->arena, entries[i].members.bytes))
            return false;
        /* Printed dates sort like the days they mean. */
        if (text_compare(entries[i].date, first) < 0)
            first = entries[i].date;
        if (text_compare(entries[i].date, last) > 0)
            last = entries[i].date;
        turn_share();
    }
    summary->log_count += (int64_t)page->rows.count;
    summary->first_date = arena_text(arena, first);
    summary->last_date = arena_text(arena, last);
    return summary->first_date.at && summary->last_date.at;
}

/* Reads all entries of the user; false: the reply is 503. */
static bool read_entries(struct request *rq, struct summary *summary, struct sums *sums)
{
    struct entries_after after = {.user_id = summary->user_id, .log_id = PAGES_BEFORE_ALL};
    struct pages pages = progress_log_pages(rq, &after);
    bool added = true;

    while (added && pages_next(&pages) == QUERY_ROW) {
        after.log_id = ((const struct progress_entry *)pages.rows.items)[pages.rows.count - 1].log_id;
        added = add_page(summary, sums, &pages);
    }
    if (!added)
        reply_unavailable(rq);
    pages_end(&pages, "");
    return added && !pages.failed;
}

enum reply progress_summary_get(struct request *rq)
{
    struct summary summary = {.user_id = ((const struct user_path *)rq->path)->user_id};
    struct sums sums = {.end = &sums.first};

    if (!auth_require_user(rq, summary.user_id))
        return REPLIED;
    bool read = read_entries(rq, &summary, &sums);
    tdestroy(sums.tree, leave);
    if (!read)
        return REPLIED;
    summary.averages.bytes = print_averages(&rq->arena, &sums);
    return summary.averages.bytes.at ? reply(rq, &progress_summary_shape, &summary) : reply_unavailable(rq);
}
