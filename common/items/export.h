/*
 * Exports: all rows that match the filters, as they are at one moment, in one answer of any length.
 *
 * The rows come from a database cursor on a connection of its own. They are fetched a few at a time, no
 * faster than the client reads them. An error after the first part of the answer was sent closes the
 * connection, so that no client takes a part for the whole.
 */
#ifndef COMMON_ITEMS_EXPORT_H
#define COMMON_ITEMS_EXPORT_H

#include "common/base/metric.h"
#include "common/items/list.h"
#include "common/serve/part.h"

/* The query parameters of an export. */
struct export_query {
    struct text user_id, lab_type, from, to, zone, client_id, format, order, end;
    struct text kind; /* filters of the service, as in a list */
    int8_t passed, spreadsheet;
    int64_t after_id;
};

extern const char *const export_formats[], *const export_orders[], *const export_ends[];

#define EXPORT_FIELDS                                                                                        \
    FIELD(TEXT, user_id, .help = "Rows of this user."),                                                      \
        FIELD(TEXT, lab_type, .help = "Rows of this lab type."), RANGE_FIELDS,                               \
        FIELD(TEXT, client_id, .help = "The row that was sent with this id."),                               \
        FIELD(TEXT, format, .choices = export_formats, .fallback = "\"ndjson\"",                             \
              .help = "A JSON object per line, or CSV (RFC 4180)."),                                         \
        FIELD(TEXT, order, .choices = export_orders, .fallback = "\"id\"",                                   \
              .help = "By id, or the earliest first."),                                                      \
        FIELD(INT, after_id, .min = 0, .max = INT64_MAX,                                                     \
              .help = "Continues after this id, in the order of ids. Rows with smaller ids that were "       \
                      "committed later are not included."),                                                  \
        FIELD(TEXT, end, .choices = export_ends,                                                             \
              .help =                                                                                        \
                  "line: NDJSON ends with a line that says that it is complete, and how many rows it has."), \
        FIELD(BOOL, spreadsheet, .fallback = "false",                                                        \
              .help = "CSV: an apostrophe before strings that a spreadsheet would read as a formula.")

/* Parameters of the statement. */
struct export_params {
    struct text order, user_id, lab_type, client_id, kind;
    struct moment from, to;
    int64_t after_id;
    int8_t passed;
};

struct export
{
    const struct statement *statement; /* of STATEMENT_EXPORT: all rows, in order */
    const struct shape *item;
    const char *name; /* beginning of the file name, before the time: usage-events */
    size_t id;        /* offsetof the id in a row */
};

#define EXPORT_HELP                                                                                          \
    "All rows as they are at one moment, however many. An answer that is cut ends without its last chunk, "  \
    "which clients report as an error."

#define OLD_HTTP FAILURE(505, "An export needs HTTP/1.1 (nginx: proxy_http_version 1.1)")

/* Replies with the rows that the query of the request selects. Waits. */
enum reply export_reply(struct request *rq, const struct export *export);

struct export_metrics {
    metric running; /* a gauge */
    metric oldest;  /* its age */
};

/* The exports that a worker runs. */
extern const struct part export_part;

#endif
