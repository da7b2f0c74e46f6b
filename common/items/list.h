/*
 * Lists of a table's rows: filters, three orders, and pages that follow one another by cursors.
 *
 * A service provides one statement with the parameters below, the shape of its page, and the offsets of the
 * members that a page needs; list_reply does the rest. Filters without an index are checked on at most
 * LIST_LOOK_AT rows per page, so that no page takes long: if too few of those match, the page is short or
 * empty, and `next` continues after them.
 */
#ifndef COMMON_ITEMS_LIST_H
#define COMMON_ITEMS_LIST_H

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
        FIELD(INT, limit, .min = 1, .max = 1000, .fallback = "100",                                          \
              .help = "The most items of a page. A page can have fewer although more follow."),              \
        FIELD(TEXT, cursor, .help = "The `next` of an answer to the same query.")

/*
 * Parameters of the statement. It reads `look_at` rows after `at` and `id` (`id` null: from the beginning) in
 * the order, among those that match the user, the client id and the `seek_` filters. It returns the first
 * `limit` of them that match the other filters; if there are fewer, also the last row that it read, marked.
 */
struct list_params {
    struct text order, user_id, client_id, seek_lab, lab_type, kind;
    struct moment seek_from, seek_to, from, to, at;
    int64_t id, look_at, limit;
    int8_t passed;
};

/* Offsets of a row's members; the statement returns `mark`, which is true for the marked row. */
struct list {
    const struct statement *statement;
    const struct shape *page; /* the shape of struct list_page */
    size_t id, timestamp, mark;
};

#define LIST(of, of_statement, of_page)                                                                      \
    {                                                                                                        \
        .statement = &(of_statement), .page = &(of_page), .id = offsetof(of, id),                            \
        .timestamp = offsetof(of, timestamp), .mark = offsetof(of, mark)                                     \
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
        FIELD(TEXT, next, .flags = FIELD_NULLABLE,                                                           \
              .help = "The `cursor` of the next page; null on the last page.",                               \
              .example = "\"01c3a5c85c97cb3127000633236e94ba68000000000000032c\"")

/* The 403 if AUTH_SUBJECT_SCOPED is on. */
#define OTHER_USER FAILURE(403, "The token does not reach this user", "message")

/* Replies with the page that the query of the request selects. Waits. */
enum reply list_reply(struct request *rq, const struct list *list);

#endif
