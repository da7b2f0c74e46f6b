/*
 * Lists of a table's rows: filters, three orders, pages that follow one another by cursors.
 *
 * A service brings one statement with the parameters below, the shape of its page, and where its rows have
 * what a page needs; list_reply does the rest. What no index leads to is looked for among LIST_LOOK_AT rows
 * of the order, so that no page takes long: where those did not have enough, the page is short, or empty, and
 * `next` goes on behind them.
 */
#ifndef COMMON_ITEMS_LIST_H
#define COMMON_ITEMS_LIST_H

#include "common/items/range.h"
#include "common/pg/statement.h"
#include "common/shape/declare.h"
#include "common/table/api.h"

#define LIST_LOOK_AT ((int64_t)20000) /* rows that one page looks at */

/* What a query of a list asks for. */
struct list_query {
    struct text user_id, lab_type, from, to, zone, client_id, order, cursor;
    struct text kind; /* the service's own filters: a word */
    int8_t passed;    /* and a truth */
    int64_t limit;
};

extern const char *const list_orders[];

#define LIST_FIELDS                                                                                          \
    FIELD(TEXT, user_id, .help = "Of that user."), FIELD(TEXT, lab_type, .help = "Of that lab type."),       \
        RANGE_FIELDS, FIELD(TEXT, client_id, .help = "The one that was sent with that id."),                 \
        FIELD(TEXT, order, .choices = list_orders, .fallback = "\"-timestamp\"",                             \
              .help = "The latest first, the earliest first, or by id. Those without a time lie before all " \
                      "others."),                                                                            \
        FIELD(INT, limit, .min = 1, .max = 1000, .fallback = "100",                                          \
              .help = "Items of a page at most. A page may have fewer although there are more."),            \
        FIELD(TEXT, cursor, .help = "The `next` of an answer to the same query.")

/*
 * Parameters of the statement. It looks at `look_at` rows after `at` and `id` (`id` null: from the beginning)
 * in the order, which the `seek_` filters and those of the user and the client id have led to, answers the
 * first `limit` of them that pass the others and, where they are fewer, the last row it looked at, marked.
 */
struct list_params {
    struct text order, user_id, client_id, seek_lab, lab_type, kind;
    struct moment seek_from, seek_to, from, to, at;
    int64_t id, look_at, limit;
    int8_t passed;
};

/* Where a row has its members; the row's statement answers `mark`, true of the marked one. */
struct list {
    const struct statement *statement;
    const struct shape *page; /* of struct list_page */
    size_t id, timestamp, mark;
};

#define LIST(of, of_statement, of_page)                                                                      \
    {                                                                                                        \
        .statement = &(of_statement), .page = &(of_page), .id = offsetof(of, id),                            \
        .timestamp = offsetof(of, timestamp), .mark = offsetof(of, mark)                                     \
    }

/* What a row has beside the members of a single call's answer: the last two of its fields. */
#define LISTED_FIELDS(time_form, example_time)                                                               \
    FIELD(TEXT, client_id, .flags = FIELD_NULLABLE, .help = "The sender's own id of it.",                    \
          .example = "\"run-381:e7\""),                                                                      \
        FIELD(time_form, received_at, .flags = FIELD_NULLABLE,                                               \
              .help = "When it came, where the sender told its time.", .example = (example_time))

#define LIST_HELP                                                                                            \
    "Filters are exact and hold together; a user or a lab type that nobody knows has an empty list. Follow " \
    "`next`, or the header Link, to the end: no row comes twice, and every row that was there at the first " \
    "page and stayed comes once. Rows that are written meanwhile may come or not."

/* What is answered: OF of the page's shape. */
struct list_page {
    struct rows items;
    struct text next;
};

#define LIST_PAGE_FIELDS(item)                                                                               \
    FIELD(LIST, items, .of = &(item)),                                                                       \
        FIELD(TEXT, next, .flags = FIELD_NULLABLE,                                                           \
              .help = "The `cursor` of the next page; null where this is the last one.",                     \
              .example = "\"01c3a5c85c97cb3127000633236e94ba68000000000000032c\"")

/* 403, where AUTH_SUBJECT_SCOPED is on. */
#define OTHER_USER FAILURE(403, "The token does not reach this user", "message")

/* Replies the page that the request's query asks for. Waits. */
enum reply list_reply(struct request *rq, const struct list *list);

#endif
