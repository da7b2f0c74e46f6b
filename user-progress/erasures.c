#include "user-progress/erasures.h"

#include "common/http/request.h"
#include "common/http/url.h"
#include "common/items/parameter.h"
#include "common/serve/query.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/shape/declare.h"
#include "directory/names.h"
#include "privacy/erased.h"
#include "user-progress/erasure_call.h"
#include "user-progress/erasure_work.h"
#include "user-progress/erasures.sql.h"
#include "user-progress/person.h"

#define MARGIN       1000 /* milliseconds: for the clocks, and the commit of the transaction that begins it */
#define AT_BEGINNING 2000 /* rows of a table that go at once: well within the time of a request */
#define AN_ERASURE   "\"0f6c2f0e-7d8e-4f5a-9f0e-3f1c2b4a5d6e\""
#define A_TIME       "\"2025-04-19T08:30:38.538812Z\""

struct erasure_query {
    int8_t dry_run;
};

#define OF struct erasure_query
static const struct field erasure_query_fields[] = {
    FIELD(BOOL, dry_run, .fallback = "false", .help = "Only count; nothing is begun."),
};
const struct shape erasure_query_shape = SHAPE("ErasureQuery", NULL, erasure_query_fields);
#undef OF

/* Whose data is erased, and who asks for it. */
struct erasure_in {
    struct text user_id, requested_by;
};

#define OF struct erasure_in
static const struct field erasure_in_fields[] = {
    FIELD(TEXT, user_id, .flags = FIELD_REQUIRED, .help = "The person.",
          .example = "\"7be06c80-fbc6-4280-aed1-16f8749df77b\""),
};
const struct shape erasure_in_shape =
    SHAPE("ErasureCreate", "Whose data is to be erased.", erasure_in_fields);
#undef OF

struct erasure_path {
    struct text erasure_id;
};

#define OF struct erasure_path
static const struct field erasure_path_fields[] = {
    FIELD(TEXT, erasure_id, .flags = FIELD_REQUIRED, .example = AN_ERASURE),
};
const struct shape erasure_path_shape = SHAPE("ErasureId", NULL, erasure_path_fields);
#undef OF

struct erasure {
    struct text erasure_id, status, requested_by;
    struct moment requested_at, erased_at, verified_at;
    struct text subject, salt;
    struct kept_json services, late;
    int8_t dry_run; /* the services are those of a preview */
    int64_t wait;   /* milliseconds until the second sweep */
};

/* For the OpenAPI document: what JSON that is kept consists of. */
struct erased_rows {
    int64_t users, lab_attempts, progress_events, progress_logs, user_performance, usage_events,
        idempotency_keys;
    struct text error;
};

#define OF struct erased_rows
static const struct field erased_rows_fields[] = {
    FIELD(INT, users, .flags = FIELD_OPTIONAL, .example = "1"),
    FIELD(INT, lab_attempts, .flags = FIELD_OPTIONAL, .example = "42"),
    FIELD(INT, progress_events, .flags = FIELD_OPTIONAL, .example = "17"),
    FIELD(INT, progress_logs, .flags = FIELD_OPTIONAL, .example = "6"),
    FIELD(INT, user_performance, .flags = FIELD_OPTIONAL, .example = "40"),
    FIELD(INT, usage_events, .flags = FIELD_OPTIONAL, .example = "1310"),
    FIELD(INT, idempotency_keys, .flags = FIELD_OPTIONAL, .help = "Answers kept for an Idempotency-Key.",
          .example = "2"),
    FIELD(TEXT, error, .flags = FIELD_OPTIONAL,
          .help = "Why the service could not be erased from at the last try.",
          .example = "\"does not offer erasure\""),
};
static const struct shape erased_rows_shape = SHAPE("ErasedRows", "Rows by table.", erased_rows_fields);
#undef OF

struct erased_services {
    struct kept_json progress, performance, usage;
};

#define OF struct erased_services
static const struct field erased_services_fields[] = {
    FIELD_NAMED(OBJECT, "user-progress", progress, .of = &erased_rows_shape),
    FIELD_NAMED(OBJECT, "performance-reporting", performance, .of = &erased_rows_shape),
    FIELD_NAMED(OBJECT, "usage-analytics", usage, .of = &erased_rows_shape),
};
static const struct shape erased_services_shape =
    SHAPE("ErasedServices", "Rows by service and table.", erased_services_fields);
#undef OF

#define OF struct erasure
static const struct field erasure_begun_fields[] = {
    FIELD(TEXT, erasure_id, .example = AN_ERASURE),
    FIELD(TEXT, status, .help = "running, blocked or complete.", .example = "\"running\""),
    FIELD(TIME_Z, requested_at, .example = A_TIME),
    FIELD(TEXT, requested_by, .flags = FIELD_NULLABLE,
          .help = "The `sub` of the token; null if it is the erased person's.",
          .example = "\"dpo@example.com\""),
};
const struct shape erasure_begun_shape =
    SHAPE("ErasureBegun", "It is being done, or was done already.", erasure_begun_fields);

static const struct field erasure_preview_fields[] = {
    FIELD(BOOL, dry_run, .example = "true"),
    FIELD(OBJECT, services, .of = &erased_services_shape),
};
const struct shape erasure_preview_shape =
    SHAPE("ErasurePreview", "What there is to erase.", erasure_preview_fields);

static const struct field erasure_fields[] = {
    FIELD(TEXT, erasure_id, .example = AN_ERASURE),
    FIELD(TEXT, status,
          .help =
              "running; blocked, if a service cannot be erased from until somebody changes its version or "
              "settings; complete.",
          .example = "\"complete\""),
    FIELD(TIME_Z, requested_at, .example = A_TIME),
    FIELD(TEXT, requested_by, .flags = FIELD_NULLABLE, .example = "\"dpo@example.com\""),
    FIELD(TIME_Z, erased_at, .flags = FIELD_NULLABLE, .help = "When everything was deleted that was there.",
          .example = "\"2025-04-19T08:30:41.120018Z\""),
    FIELD(TIME_Z, verified_at, .flags = FIELD_NULLABLE,
          .help = "When the second sweep had ended, after which nothing of the person can come any more.",
          .example = "\"2025-04-19T08:31:12.004551Z\""),
    FIELD(TEXT, subject, .help = "The SHA-256 of the salt, as it stands here, followed by the id.",
          .example = "\"sha256:9a1f0c5e3d7b2a486f90e1d2c3b4a5968778695a4b3c2d1e0f9e8d7c6b5a4f3e\""),
    FIELD(TEXT, salt, .example = "\"c4b1e0a92d7f43518e6a0c9b7d5f3e21\""),
    FIELD(OBJECT, services, .of = &erased_services_shape, .help = "What was deleted."),
    FIELD(OBJECT, late, .of = &erased_rows_shape, .help = "What the second sweep found.",
          .example = "{\"usage_events\":1}"),
    FIXED("not_covered", "[\"backups\",\"replicas and write-ahead logs until they are recycled\","
                         "\"log files: user ids in paths\",\"other people's event_data\","
                         "\"the actor of other people's log entries\"]"),
};
const struct shape erasure_shape = SHAPE("Erasure", "An erasure, at its end the receipt.", erasure_fields);
#undef OF

STATEMENT(insert_erasure, CHANGE, PARAMS(struct erasure_in, user_id, requested_by),
          ROW(struct erasure, erasure_id, status, requested_at, requested_by));
STATEMENT(begin_parts, CHANGE, PARAMS(struct erasure, erasure_id, wait));
STATEMENT(find_running, CHANGE, PARAMS(struct erasure_in, user_id),
          ROW(struct erasure, erasure_id, status, requested_at, requested_by));
STATEMENT(find_receipt, CHANGE, PARAMS(struct erasure_in, user_id),
          ROW(struct erasure, erasure_id, status, requested_at, requested_by));
STATEMENT(get_erasure, CHANGE, PARAMS(struct erasure_path, erasure_id),
          ROW(struct erasure, erasure_id, status, requested_at, requested_by, erased_at, verified_at, subject,
              salt, services, late));

static enum reply reply_begun(struct request *rq, const struct erasure *erasure)
{
    char *location = arena_printf(&rq->arena, "/privacy/erasures/%.*s", (int)erasure->erasure_id.len,
                                  erasure->erasure_id.at);

    if (location)
        reply_header(rq, "Location", location);
    return reply(rq, &erasure_begun_shape, erasure);
}

static enum reply reply_no_user(struct request *rq)
{
    return reply_error(rq, 404, "User not found");
}

/* Dry run */

/* What another service has, or why that is not known, as JSON; false: no memory. */
static bool write_other(struct request *rq, struct writer *w, enum other other, struct text user_id,
                        bool *known)
{
    struct erasure_answer answer;
    const char *why;

    write_char(w, ',');
    write_json_text(w, text_of(other_name(other)));
    write_char(w, ':');
    if (erasure_call(rq, other, user_id, "?dry_run=true", &answer, &why) == OTHER_ANSWERED) {
        write_text(w, answer.counts_json);
        *known = *known || answer.counts[0].rows > 0;
    } else {
        write_literal(w, "{\"error\":");
        write_json_text(w, text_of(why));
        write_char(w, '}');
        *known = *known || url_is_segment(user_id); /* it may be */
    }
    return !w->failed;
}

static enum reply preview(struct request *rq, const struct person *person)
{
    struct writer w = writer_start(&rq->arena);
    const struct {
        const char *name;
        int64_t rows;
    } own[] = {{"{\"" ERASURE_SERVICE "\":{\"users\":", person->users},
               {",\"lab_attempts\":", person->lab_attempts},
               {",\"progress_events\":", person->progress_events},
               {",\"progress_logs\":", person->progress_logs},
               {",\"idempotency_keys\":", person->idempotency_keys}};
    bool known = person_is_known(person);

    for (size_t i = 0; i < COUNT(own); i++) {
        write_text(&w, text_of(own[i].name));
        write_int(&w, own[i].rows);
    }
    write_char(&w, '}');
    if (!write_other(rq, &w, OTHER_PERFORMANCE, person->user_id, &known) ||
        !write_other(rq, &w, OTHER_USAGE, person->user_id, &known))
        return reply_unavailable(rq);
    write_char(&w, '}');
    if (!known)
        return reply_no_user(rq);
    const struct erasure seen = {.dry_run = 1, .services = {{w.at, w.len}}};
    reply(rq, &erasure_preview_shape, &seen);
    if (!w.failed)
        rq->status = 200;
    return REPLIED;
}

/* Beginning */

/*
 * Whether the other services have anything of a person of whom this one has nothing. False: they have not, or
 * the reply is 503, because a service that has to be asked does not answer. One that will never answer cannot
 * deny it; of an id that no call can name there is nothing that could be erased.
 */
static bool others_know(struct request *rq, struct text user_id, bool *replied)
{
    bool known = false;

    *replied = false;
    if (!url_is_segment(user_id))
        return false;
    for (int i = 0; i < OTHERS; i++) {
        struct erasure_answer answer;
        const char *why;
        switch (erasure_call(rq, (enum other)i, user_id, "?dry_run=true", &answer, &why)) {
        case OTHER_ANSWERED:
            known = known || (answer.count && answer.counts[0].rows > 0);
            break;
        case OTHER_BLOCKED:
            known = true;
            break;
        case OTHER_AWAY:
            reply_unavailable_because(rq, "A service that may have data of the user is unavailable");
            *replied = true;
            return false;
        }
    }
    return known;
}

/* An erasure that runs, or else a receipt; false: there is none, or it has replied. */
static bool find(struct request *rq, const struct statement *statement, const struct erasure_in *in,
                 bool *replied)
{
    struct erasure found;

    *replied = true;
    switch (query_row(rq, statement, in, &found)) {
    case QUERY_ROW:
        reply_begun(rq, &found);
        return true;
    case QUERY_NONE:
        *replied = false;
        break;
    default:
        break;
    }
    return false;
}

/*
 * How long a request may be under way that found the user just before the erasure began: its own time, as
 * long again for its transaction, and the lookup.
 */
static int64_t longest_request(const struct settings *s)
{
    int64_t longest = s->ingest.timeout > s->request_timeout ? s->ingest.timeout : s->request_timeout;

    return 2 * longest + s->directory.timeout + MARGIN;
}

static enum reply begin(struct request *rq, const struct person *person, struct erasure_in *in)
{
    struct erasure begun;
    bool more, replied;

    if (in->requested_by.at &&
        (text_equal(in->requested_by, person->user_id) || text_equal(in->requested_by, person->username) ||
         text_equal(in->requested_by, person->email)))
        in->requested_by = TEXT_NULL; /* it would stay in the receipt */
    if (!query_begin(rq))
        return REPLIED;
    enum query_result inserted = query_row(rq, &insert_erasure, in, &begun);
    if (inserted == QUERY_NONE) {
        query_rollback(rq);
        return find(rq, &find_running, in, &replied) || replied ? REPLIED : reply_unavailable(rq);
    }
    const struct erasure_part part = {.erasure_id = begun.erasure_id, .user_id = in->user_id};
    begun.wait = longest_request(rq->worker->settings);
    if (inserted != QUERY_ROW || !erasure_erase_own(rq, &part, AT_BEGINNING, &more) ||
        query_row(rq, &begin_parts, &begun, NULL) == QUERY_REPLIED) {
        query_rollback(rq);
        return REPLIED;
    }
    return query_commit(rq) ? reply_begun(rq, &begun) : REPLIED;
}

enum reply erasures_create(struct request *rq)
{
    struct erasure_in in = *(const struct erasure_in *)rq->body;
    struct person person = {.user_id = in.user_id};
    bool replied;

    in.requested_by = rq->subject;
    if (!user_can_exist(in.user_id))
        return reply_no_user(rq);
    if (!in.user_id.len) /* the progress log lets a transaction delete only if it names somebody */
        return reply_bad_member(rq, "user_id", in.user_id, "an empty id cannot be erased");
    if (!person_count(rq, &person))
        return REPLIED;
    if (((const struct erasure_query *)rq->query)->dry_run)
        return preview(rq, &person);
    if (find(rq, &find_running, &in, &replied) || replied)
        return REPLIED;
    if (!person_is_known(&person) && !others_know(rq, in.user_id, &replied)) {
        if (replied || find(rq, &find_receipt, &in, &replied) || replied)
            return REPLIED;
        return reply_no_user(rq);
    }
    return begin(rq, &person, &in);
}

enum reply erasures_get(struct request *rq)
{
    struct erasure erasure;

    return query_reply(rq, &get_erasure, rq->path, &erasure, &erasure_shape, "Erasure not found");
}
