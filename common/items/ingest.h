/*
 * Requests with many items: each item is checked by itself, and the valid ones are written in one
 * transaction.
 *
 * A service provides the shape of an item, three statements and the struct below. ingest_reply does the rest
 * in steps, which have files of their own: read (ingest_read.c), look up (ingest_run.c), store
 * (ingest_store.c), answer (ingest_answer.c). The worker's loop runs between the items every few
 * milliseconds.
 */
#ifndef COMMON_ITEMS_INGEST_H
#define COMMON_ITEMS_INGEST_H

#include "common/base/iso8601.h"
#include "common/base/metric.h"
#include "common/pg/statement.h"
#include "common/serve/part.h"
#include "common/shape/declare.h"
#include "common/table/api.h"

/* Parameters and rows of the statements. */
struct ingest_draw {
    int64_t count;
};
struct ingest_id {
    int64_t id;
};
struct ingest_find {
    struct texts client_ids;
};
struct ingest_known {
    struct text client_id, user_id, lab_type, kind;
    int64_t id;
};

/* How a service describes its items, with the offsets of the members that are used here. */
struct ingest {
    const struct shape *item;       /* the members of a single call, then client_id and timestamp */
    const struct statement *draw;   /* returns so many ids, in rising order */
    const struct statement *insert; /* inserts the rows whose client_id is new, returns their ids */
    const struct statement *find;   /* returns the rows of client ids */
    size_t id, user_id, lab_type, client_id, told_time, timestamp, received_at;
    size_t kind; /* a text that must be equal too if the client_id is; 0: none */
    /* Prepares a valid item for writing, as a single call does; false: no memory. */
    bool (*prepare)(struct request *rq, void *item);
    /* Tells which users and lab types exist. False: the reply is 503. Waits. */
    bool (*look_up)(struct request *rq, struct texts users, bool *has_user, struct texts labs, bool *has_lab);
    const char *no_lab; /* the detail of an item with an unknown lab type, which is added if the text ends in
                           a space */
    const char *other;  /* the detail of an item whose client_id belongs to another item */
    struct text index;  /* name of the index that keeps client ids unique */
    enum time_form form;
};

#define INGEST(of, ...)                                                                                      \
    {                                                                                                        \
        .id = offsetof(of, id), .user_id = offsetof(of, user_id), .lab_type = offsetof(of, lab_type),        \
        .client_id = offsetof(of, client_id), .told_time = offsetof(of, told_time),                          \
        .timestamp = offsetof(of, timestamp), .received_at = offsetof(of, received_at), __VA_ARGS__          \
    }

/* The last two fields of an item; OF must have their members. */
#define INGEST_FIELDS(example_time)                                                                          \
    FIELD(TEXT, client_id, .flags = FIELD_NULLABLE,                                                          \
          .help = "The sender's own id, 1 to 64 of A-Z a-z 0-9 . _ : -. An item with one is stored once, "   \
                  "however often it is sent, until it is deleted.",                                          \
          .example = "\"run-381:start\""),                                                                   \
        FIELD_NAMED(TEXT, "timestamp", told_time, .flags = FIELD_NULLABLE,                                   \
                    .help = "When it happened; by default, now.", .example = (example_time))

/* Of all requests with many items: the query and the answer. */
extern const struct shape ingest_query_shape, ingest_answer_shape;

#define INGEST_HELP                                                                                          \
    "A list, or one item per line (application/x-ndjson); gzip is accepted. Each item is checked by "        \
    "itself; the valid ones are stored in one transaction. Sending the same again after a 503 or a lost "    \
    "answer is safe for items with a client_id, or with an Idempotency-Key. 200: no item failed; 207: some " \
    "did; 422: nothing is stored."

/* Answers a request with many items. Waits. */
enum reply ingest_reply(struct request *rq, const struct ingest *ingest);

enum ingest_outcome { INGEST_STORED, INGEST_DUPLICATE, INGEST_FAILED, INGEST_OUTCOMES };

struct ingest_metrics {
    metric items[INGEST_OUTCOMES];
};

/* A worker's counts of the items of such requests. */
extern const struct part ingest_part;

#endif
