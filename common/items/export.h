/*
 * Exports: all rows of a list's filters as they are at one moment, in one answer of any length.
 *
 * The rows come from a cursor on a connection of its own, some at a time and no faster than the client takes
 * them. Whatever goes wrong after the first part has left breaks the connection off, so that no client takes
 * a part for the whole.
 */
#ifndef COMMON_ITEMS_EXPORT_H
#define COMMON_ITEMS_EXPORT_H

#include "common/base/metric.h"
#include "common/items/list.h"
#include "common/serve/part.h"

/* What a query of an export asks for. */
struct export_query {
    struct text user_id, lab_type, from, to, zone, client_id, format, order, end;
    struct text kind; /* the service's own filters, as of a list */
    int8_t passed, spreadsheet;
    int64_t after_id;
};

extern const char *const export_formats[], *const export_orders[], *const export_ends[];

#define EXPORT_FIELDS                                                                                        \
    FIELD(TEXT, user_id, .help = "Of that user."), FIELD(TEXT, lab_type, .help = "Of that lab type."),       \
        RANGE_FIELDS, FIELD(TEXT, client_id, .help = "The one that was sent with that id."),                 \
        FIELD(TEXT, format, .choices = export_formats, .fallback = "\"ndjson\"",                             \
              .help = "A JSON object per line, or CSV (RFC 4180)."),                                         \
        FIELD(TEXT, order, .choices = export_orders, .fallback = "\"id\"",                                   \
              .help = "By id, or the earliest first."),                                                      \
        FIELD(INT, after_id, .min = 0, .max = INT64_MAX,                                                     \
              .help = "Goes on behind that id, in the order of ids. Rows with smaller ids that were "        \
                      "committed later are not in it."),                                                     \
        FIELD(TEXT, end, .choices = export_ends,                                                             \
              .help = "line: a last line of NDJSON tells that there are no more, and how many there were."), \
        FIELD(BOOL, spreadsheet, .fallback = "false",                                                        \
              .help = "CSV: an apostrophe before strings that a spreadsheet would take for a formula.")

/* Parameters of the statement. */
struct export_params {
    struct text order, user_id, lab_type, client_id, kind;
    struct moment from, to;
    int64_t after_id;
    int8_t passed;
};

struct export
{
    const struct statement *statement; /* of STATEMENT_EXPORT: all rows, in the order */
    const struct shape *item;
    const char *name; /* of the file, without the time: usage-events */
    size_t id;        /* offsetof it in a row */
};

#define EXPORT_HELP                                                                                          \
    "All rows as they are at one moment, however many. An answer that ends early ends without its last "     \
    "chunk, which clients report as an error."

#define OLD_HTTP FAILURE(505, "An export needs HTTP/1.1 (nginx: proxy_http_version 1.1)")

/* Replies the export that the request's query asks for. Waits. */
enum reply export_reply(struct request *rq, const struct export *export);

struct export_metrics {
    metric running; /* a gauge */
};

/* What a worker has that exports. */
extern const struct part export_part;

#endif
