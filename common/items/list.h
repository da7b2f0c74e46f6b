/*
 * Lists of a table's rows: filters, three orders, and pages that follow one another by cursors.
 *
 * A service provides one statement with the parameters below, the shape of its page, and the offsets of the
 * members that a page needs; list_reply does the rest. Each page is read from the index of one filter, in the
 * order of the list; the others are checked on at most LIST_LOOK_AT rows, so that no page takes long. If too
 * few of those match, another index may have few enough rows to read all of them; else the page is short or
 * empty, and `next` continues after the rows that were read.
 */
#ifndef COMMON_ITEMS_LIST_H
#define COMMON_ITEMS_LIST_H

#include "common/items/page.h"
#include "common/items/range.h"
#include "common/pg/statement.h"
#include "common/shape/declare.h"
#include "common/table/api.h"

#define LIST_LOOK_AT ((int64_t)20000) /* the most rows that are read for one page */

/* The query parameters of a list. */
struct list_query {
    struct text user_id, lab_type, from, to, zone, client_id, order, cursor;
    struct text kind; /* filters of the service: a word */
    int8_t passed;    /* and a boolean */
    int64_t limit;
};

extern const char *const list_orders[];

#define LIST_FIELDS                                                                                          \
    FIELD(TEXT, user_id, .help = "Items of this user."),                                                     \
        FIELD(TEXT, lab_type, .help = "Items of this lab type."), RANGE_FIELDS,                              \
        FIELD(TEXT, client_id, .help = "The item that was sent with this id."),                              \
        FIELD(TEXT, order, .choices = list_orders, .fallback = "\"-timestamp\"",                             \
              .help = "Latest first, earliest first, or by id. Items without a time count as earlier than "  \
                      "all others."),                                                                        \
        PAGE_QUERY_FIELDS("The most items of a page. A page can have fewer although more follow.")

/*
 * Parameters of the statement. It reads `look_at` rows between two places, both excluded, in the order, from
 * the index of the filter `lead` (user_id, lab_type, kind; null: of all rows). It returns the first `limit`
 * of them that match all filters; if there are fewer, also the last row that it read, marked. But if the
 * index of the filter `rest` (null: none; time: the index of all rows) has fewer than `look_at` rows there,
 * it returns the first of those that match. In the order of ids there is no lead, `low_id` is the place, and
 * the times of the places are those of the range, which only `rest` uses.
 */
struct list_params {
    struct text order, lead, rest, user_id, client_id, lab_type, kind;
    struct moment low_at, high_at; /* null: before all times; with the largest id: after all times */
    struct moment from, to;
    int64_t low_id, high_id, look_at, limit;
    int8_t passed;
};

/* Offsets of a row's members; the statement returns `mark`, which is true for the marked row. */
struct list {
    const struct statement *statement;
    const struct shape *page; /* the shape of struct list_page */
    size_t id, timestamp, mark;
    bool outcomes;               /* the kind is `passed`, not a word */
    const char *const *frequent; /* kinds that the index of kinds does not have; NULL: it has all */
};

#define LIST(of, of_statement, of_page, ...)                                                                 \
    {                                                                                                        \
        .statement = &(of_statement), .page = &(of_page), .id = offsetof(of, id),                            \
        .timestamp = offsetof(of, timestamp), .mark = offsetof(of, mark), __VA_ARGS__                        \
    }

/* The last two fields of a listed row, which the answer of a single call does not have. */
#define LISTED_FIELDS(time_form, example_time)                                                               \
    FIELD(TEXT, client_id, .flags = FIELD_NULLABLE, .help = "The sender's own id of the item.",              \
          .example = "\"run-381:e7\""),                                                                      \
        FIELD(time_form, received_at, .flags = FIELD_NULLABLE,                                               \
              .help = "When it was received, if the sender gave its time.", .example = (example_time))

#define LIST_HELP                                                                                            \
    "An item must match every filter exactly; the list of an unknown user or lab type is empty. Follow "     \
    "`next`, or the header Link, to the end: no row appears twice, and every row that existed at the first " \
    "page and was not deleted appears once. Rows that are written meanwhile may or may not appear."

/* A page as it is answered: OF of the page's shape. */
struct list_page {
    struct rows items;
    struct text next;
};

#define LIST_PAGE_FIELDS(item)                                                                               \
    FIELD(LIST, items, .of = &(item)),                                                                       \
        PAGE_NEXT_FIELD("\"01c3a5c85c97cb3127000633236e94ba68000000000000032c\"")

/* The 403 if AUTH_SUBJECT_SCOPED is on. */
#define OTHER_USER FAILURE(403, "The token does not reach this user", "message")

/* Replies with the page that the query of the request selects. Waits. */
enum reply list_reply(struct request *rq, const struct list *list);

#endif
