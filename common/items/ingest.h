/*
 * Requests with many items: each item is judged by itself, the good ones are written in one transaction.
 *
 * A service brings the shape of an item, three statements and the struct below; ingest_reply does the rest,
 * in steps that stand in files of their own: read (ingest_read.c), look up, store (ingest_store.c), answer
 * (ingest_answer.c). Every few milliseconds the loop has its turn.
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

/* What a service's items are, and where their structs have what is looked at here. */
struct ingest {
    const struct shape *item;       /* what a single call takes, then client_id and timestamp */
    const struct statement *draw;   /* as many ids, rising */
    const struct statement *insert; /* of rows: writes those whose client_id is new, answers their ids */
    const struct statement *find;   /* the rows of client ids */
    size_t id, user_id, lab_type, client_id, told_time, timestamp, received_at;
    size_t kind; /* a text that a client_id stands for too; 0: none */
    /* What a single call does with a valid item before it is written; false: no memory. */
    bool (*prepare)(struct request *rq, void *item);
    /* Which users and lab types there are. False: 503 is the reply. Waits. */
    bool (*look_up)(struct request *rq, struct texts users, bool *has_user, struct texts labs, bool *has_lab);
    const char *no_lab; /* the detail of an item whose lab type nobody knows, the type behind it where it ends
                           in a space */
    const char *other;  /* of one whose client_id is another item's */
    struct text index;  /* that makes client ids unique */
    enum time_form form;
};

#define INGEST(of, ...)                                                                                      \
    {                                                                                                        \
        .id = offsetof(of, id), .user_id = offsetof(of, user_id), .lab_type = offsetof(of, lab_type),        \
        .client_id = offsetof(of, client_id), .told_time = offsetof(of, told_time),                          \
        .timestamp = offsetof(of, timestamp), .received_at = offsetof(of, received_at), __VA_ARGS__          \
    }

/* The last two fields of an item; OF has their members. */
#define INGEST_FIELDS(example_time)                                                                          \
    FIELD(TEXT, client_id, .flags = FIELD_NULLABLE,                                                          \
          .help = "The sender's own id, 1 to 64 of A-Z a-z 0-9 . _ : -. An item with one is stored once, "   \
                  "however often it is sent, for as long as it is there.",                                   \
          .example = "\"run-381:start\""),                                                                   \
        FIELD_NAMED(TEXT, "timestamp", told_time, .flags = FIELD_NULLABLE,                                   \
                    .help = "When it happened; without it, now.", .example = (example_time))

/* What all of them take and answer. */
extern const struct shape ingest_query_shape, ingest_answer_shape;

#define INGEST_HELP                                                                                          \
    "A list, or a line each (application/x-ndjson); gzip as well. Each item is judged by itself: what is "   \
    "good is stored in one transaction. Sending the same again after 503 or a lost answer is safe for "      \
    "items with a client_id, or under an Idempotency-Key. 200: no item failed; 207: some did; 422: nothing " \
    "is stored."

/* Answers a request with many items. Waits. */
enum reply ingest_reply(struct request *rq, const struct ingest *ingest);

enum ingest_outcome { INGEST_STORED, INGEST_DUPLICATE, INGEST_FAILED, INGEST_OUTCOMES };

struct ingest_metrics {
    metric items[INGEST_OUTCOMES];
};

/* What a worker has that takes many items. */
extern const struct part ingest_part;

#endif
