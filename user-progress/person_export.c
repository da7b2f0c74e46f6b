#include "user-progress/person_export.h"

#include "common/base/turn.h"
#include "common/http/client.h"
#include "common/http/request.h"
#include "common/json/json.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/shape/declare.h"
#include "directory/directory.h"
#include "privacy/other.h"
#include "user-progress/attempts.h"
#include "user-progress/erasure_call.h"
#include "user-progress/person.h"
#include "user-progress/person_export.sql.h"
#include "user-progress/person_rows.h"
#include "user-progress/progress_log.h"

#define OTHER_PAGE_LIMIT                                                                                     \
    ((size_t)16 << 20) /* bytes of a page of another service: a mebibyte of rows, a last row, escapes */

STATEMENT(get_person_user, READ, PARAMS(struct user_path, user_id),
          ROW(struct user, username, full_name, email, id, created_at, last_active));

/* A line, for the OpenAPI document. */
struct line {
    struct text service, kind;
    struct kept_json data, counts;
};

#define OF struct line
static const struct field line_fields[] = {
    FIELD(TEXT, service, .flags = FIELD_OPTIONAL, .help = "Which service has it.",
          .example = "\"usage-analytics\""),
    FIELD(TEXT, kind,
          .help =
              "user, attempt, progress_event (each version of an entry), record, event; end: the last line.",
          .example = "\"event\""),
    FIELD(OBJECT, data, .flags = FIELD_OPTIONAL, .help = "As the service's own export has it.",
          .example =
              "{\"user_id\":\"7be06c80-fbc6-4280-aed1-16f8749df77b\",\"event_type\":\"start\",\"id\":812}"),
    FIELD(OBJECT, counts, .flags = FIELD_OPTIONAL,
          .help = "Of the last line: the rows by service and table, as the receipt of an erasure has them.",
          .example = "{\"user-progress\":{\"users\":1,\"lab_attempts\":42}}"),
};
const struct shape person_line_shape = SHAPE("PersonLine", "A line about a person.", line_fields);
#undef OF

/* How another service lists rows of a user. */
static const struct {
    const char *path, *kind, *table;
} lists[OTHERS] = {
    [OTHER_PERFORMANCE] = {"/performance/records?order=timestamp&limit=1000&user_id=", "record",
                           "user_performance"},
    [OTHER_USAGE] = {"/analytics/events?order=timestamp&limit=1000&user_id=", "event", "usage_events"},
};

struct export_of_person {
    struct request *rq;
    struct person person;
    struct {
        struct arena arena; /* of the page below, and of the call that got it */
        const struct json *page;
        int64_t rows, kept;
    } others[OTHERS];
    int64_t users, attempts, events, entries;
};

/* Lines */

static void begin_line(struct writer *w, const char *service, const char *kind)
{
    write_literal(w, "{\"service\":");
    write_json_text(w, text_of(service));
    write_literal(w, ",\"kind\":");
    write_json_text(w, text_of(kind));
    write_literal(w, ",\"data\":");
}

static void write_row(struct export_of_person *x, const char *kind, const struct shape *shape,
                      const void *row)
{
    struct writer *w = &x->rq->out;

    begin_line(w, x->rq->worker->api->name, kind);
    shape_write(w, shape, row);
    write_literal(w, "}\n");
}

/* The other services */

/* Calls for a page, whose bytes and tree are in its arena. False: the reply is 503, or the answer is cut. */
static bool fetch_page(struct export_of_person *x, enum other other, struct text cursor)
{
    struct request *rq = x->rq;
    struct arena *arena = &x->others[other].arena;
    const char *after = arena_printf(&rq->arena, "%s%.*s", cursor.at ? "&cursor=" : "", (int)cursor.len,
                                     cursor.at ? cursor.at : "");
    struct json_error error;
    const char *why = "cannot answer now";

    arena_reset(arena);
    x->others[other].page = NULL;
    rq->deadline = rq->loop->now + rq->worker->settings->report_timeout * MILLISECOND;
    struct client_call call = {
        .arena = arena, .method = "GET", .answer_limit = OTHER_PAGE_LIMIT, .deadline = rq->deadline};
    if (after)
        call.url = other_url(rq, other, lists[other].path, x->person.user_id, after);
    if (other_call(rq, &call, &why) == OTHER_ANSWERED &&
        json_parse(arena, call.answer, &x->others[other].page, &error) == JSON_OK &&
        json_type(x->others[other].page) == JSON_OBJECT && json_member(x->others[other].page, "items"))
        return true;
    x->others[other].page = NULL;
    const char *detail = arena_printf(&rq->arena, "%s %s", other_name(other), why);
    reply_unavailable_because(rq, detail ? detail : "A service is unavailable");
    return false;
}

/* Asks another service how much it has, and for its first page; false: the reply is 503. */
static bool ask(struct export_of_person *x, enum other other)
{
    struct erasure_answer answer;
    const char *why = NULL;

    if (erasure_call(x->rq, other, x->person.user_id, "?dry_run=true", &answer, &why) != OTHER_ANSWERED) {
        const char *detail = arena_printf(&x->rq->arena, "%s %s", other_name(other), why);
        reply_unavailable_because(x->rq, detail ? detail : "A service is unavailable");
        return false;
    }
    for (size_t i = 0; i < answer.count; i++)
        if (text_equal(answer.counts[i].kind, TEXT("idempotency_keys")))
            x->others[other].kept = answer.counts[i].rows;
    return fetch_page(x, other, TEXT_NULL);
}

/* Writes the rows of the page; its next cursor, in the request's memory, null at the end. */
static struct text write_page(struct export_of_person *x, enum other other)
{
    struct writer *w = &x->rq->out;
    const struct json *page = x->others[other].page, *next = json_member(page, "next");

    for (const struct json *item = json_first(json_member(page, "items")); item && !w->failed;
         item = json_next(item)) {
        begin_line(w, other_name(other), lists[other].kind);
        write_json_kept(w, json_raw(item));
        write_literal(w, "}\n");
        x->others[other].rows++;
    }
    return next && json_type(next) == JSON_TEXT ? arena_text(&x->rq->arena, json_text(next)) : TEXT_NULL;
}

/* Writes the rows of another service, whose first page is there; false: the answer is cut. */
static bool write_other(struct export_of_person *x, enum other other)
{
    struct text next;

    while ((next = write_page(x, other)).at && !x->rq->out.failed) {
        turn_share();
        if (!fetch_page(x, other, next))
            return false;
    }
    return !x->rq->out.failed;
}

/* This service */

static int64_t place(const char *row, size_t at)
{
    return *(const int64_t *)(const void *)(row + at);
}

/* Writes the rows of a table; counts them, and the different ids. False: the answer is cut. */
static bool write_rows(struct export_of_person *x, const struct person_rows *of, int64_t *count, int64_t *ids)
{
    struct request *rq = x->rq;
    struct person_after after = {
        .user_id = x->person.user_id, .id = PAGES_BEFORE_ALL, .version = PAGES_BEFORE_ALL};
    struct pages pages = pages_of(rq, of->statement, &after, &after.limit);

    for (pages_next(&pages); pages.rows.count && !pages.failed; pages_next(&pages)) {
        const char *row = pages.rows.items;
        if (of->prepare && !of->prepare(&pages)) {
            reply_unavailable(rq);
            pages.failed = true;
            break;
        }
        for (size_t i = 0; i < pages.rows.count && !rq->out.failed; i++, row += of->statement->row_size) {
            write_row(x, of->kind, of->shape, row);
            *ids += place(row, of->id) != after.id;
            after.id = place(row, of->id);
            after.version = of->version ? place(row, of->version) : 0;
            ++*count;
        }
    }
    bool good = !pages.failed && !rq->out.failed;
    pages_end(&pages, "");
    return good;
}

/* Writes the user, if there is one; false: the answer is cut. */
static bool write_user(struct export_of_person *x)
{
    const struct user_path path = {x->person.user_id};
    struct user user;

    switch (query_row(x->rq, &get_person_user, &path, &user)) {
    case QUERY_ROW:
        write_row(x, "user", &user_shape, &user);
        x->users = 1;
        return !x->rq->out.failed;
    case QUERY_NONE:
        return true;
    default:
        return false;
    }
}

static void write_count(struct writer *w, const char *before, const char *table, int64_t rows)
{
    write_text(w, text_of(before));
    write_json_text(w, text_of(table));
    write_char(w, ':');
    write_int(w, rows);
}

static void write_end(const struct export_of_person *x)
{
    struct writer *w = &x->rq->out;

    write_literal(w, "{\"kind\":\"end\",\"counts\":{");
    write_json_text(w, text_of(x->rq->worker->api->name));
    write_count(w, ":{", "users", x->users);
    write_count(w, ",", "lab_attempts", x->attempts);
    write_count(w, ",", "progress_events", x->events);
    write_count(w, ",", "progress_logs", x->entries);
    write_count(w, ",", "idempotency_keys", x->person.idempotency_keys);
    write_char(w, '}');
    for (int i = 0; i < OTHERS; i++) {
        write_char(w, ',');
        write_json_text(w, text_of(other_name((enum other)i)));
        write_count(w, ":{", lists[i].table, x->others[i].rows);
        write_count(w, ",", "idempotency_keys", x->others[i].kept);
        write_char(w, '}');
    }
    write_literal(w, "}}\n");
}

/* All three are asked before anything is sent. False: the reply is 404 or 503. */
static bool ask_all(struct export_of_person *x)
{
    bool known = false;

    for (int i = 0; i < OTHERS; i++) {
        if (!ask(x, (enum other)i))
            return false;
        known = known || json_first(json_member(x->others[i].page, "items"));
    }
    if (!person_count(x->rq, &x->person))
        return false;
    known = known || person_is_known(&x->person);
    if (!known)
        reply_error(x->rq, 404, "User not found");
    return known;
}

static void write_all(struct export_of_person *x)
{
    struct request *rq = x->rq;
    int64_t ids = 0;

    reply_text(rq, 200, "application/x-ndjson", TEXT(""));
    rq->out.lines = true;
    reply_header(rq, "Content-Disposition", "attachment; filename=\"person.ndjson\"");
    if (rq->head) {
        reply_length(rq, LENGTH_UNKNOWN);
        return;
    }
    if (write_user(x) && write_rows(x, &attempts_of_person, &x->attempts, &ids) &&
        write_rows(x, &entries_of_person, &x->events, &x->entries) && write_other(x, OTHER_PERFORMANCE) &&
        write_other(x, OTHER_USAGE))
        write_end(x);
}

enum reply person_export(struct request *rq)
{
    struct export_of_person x = {.rq = rq, .person.user_id = ((const struct user_path *)rq->path)->user_id};

    if (rq->old_http)
        return reply_error(rq, 505, "An export needs HTTP/1.1 (nginx: proxy_http_version 1.1)");
    if (ask_all(&x))
        write_all(&x);
    for (int i = 0; i < OTHERS; i++)
        arena_free(&x.others[i].arena);
    return REPLIED;
}
