#include "user-progress/erasure_work.h"

#include <stdio.h>

#include "common/base/log.h"
#include "common/base/loop.h"
#include "common/http/request.h"
#include "common/serve/part.h"
#include "common/serve/query.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "privacy/erased.h"
#include "privacy/kept.h"
#include "user-progress/erasure_call.h"
#include "user-progress/erasure_work.sql.h"

#define LEASE      5000  /* milliseconds in which no other daemon takes the same part */
#define LONGEST    60000 /* milliseconds between two tries */
#define FOLD_WAIT  500   /* milliseconds until derived tables have followed, perhaps */
#define PARTS_MAX  64    /* of one upkeep */
#define QUERY_SIZE 128   /* bytes of a call's query */

struct erasure_metrics {
    metric running, blocked, oldest;
};

/* The values of the statements. */
struct person_names {
    struct text user_id, username, email;
};
struct claim {
    int64_t lease;
};
struct counted {
    struct text erasure_id, service, kind;
    int64_t rows;
    int8_t second_sweep;
};
struct logs_of_person {
    struct text user_id;
    int64_t limit, rows, last;
};
struct outcome {
    struct erasure_part part;
    int64_t pause; /* milliseconds */
    struct text error;
    int8_t blocked;
};
struct running {
    int64_t running, blocked, oldest; /* seconds */
};

STATEMENT(allow_erasing, CHANGE, PARAMS(struct person_names, user_id), ROW(struct person_names, user_id));
STATEMENT(erase_user, CHANGE, PARAMS(struct of_person, user_id), ROW(struct person_names, username, email));
STATEMENT(erase_attempts_of, CHANGE, PARAMS(struct of_person, user_id, limit), ROW(struct of_person, rows));
STATEMENT(erase_logs_of, CHANGE, PARAMS(struct logs_of_person, user_id, limit),
          ROW(struct logs_of_person, rows, last));
STATEMENT(erase_log_events_of, CHANGE, PARAMS(struct logs_of_person, user_id, last),
          ROW(struct logs_of_person, rows));
STATEMENT(forget_requester, CHANGE, PARAMS(struct person_names, user_id, username, email));
STATEMENT(find_attempts_noted, CHANGE, PARAMS(struct of_person, user_id), ROW(struct of_person, rows));
STATEMENT(claim_part, CHANGE, PARAMS(struct claim, lease),
          ROW(struct erasure_part, erasure_id, user_id, service, sweeps));
STATEMENT(set_erased, CHANGE, PARAMS(struct counted, erasure_id, service, kind, rows, second_sweep));
STATEMENT(go_on, CHANGE, PARAMS(struct outcome, part.erasure_id, part.service, part.sweeps, pause));
STATEMENT(end_sweep, CHANGE, PARAMS(struct outcome, part.erasure_id, part.service, part.sweeps));
STATEMENT(try_again, CHANGE,
          PARAMS(struct outcome, part.erasure_id, part.service, part.sweeps, error, blocked, pause));
STATEMENT(end_erasures, CHANGE);
STATEMENT(count_running, READ, ROW(struct running, running, blocked, oldest));

/* This service's own part */

static bool erase_attempts(struct request *rq, const struct erasure_part *part, struct of_person *of)
{
    return query_row(rq, &erase_attempts_of, of, of) == QUERY_ROW &&
           erased_add(rq, part->erasure_id, "lab_attempts", of->rows, part->sweeps > 0);
}

/* The states of as many entries as the limit says, and their events; `rows` is of the states. */
static bool erase_logs(struct request *rq, const struct erasure_part *part, struct logs_of_person *of)
{
    if (query_row(rq, &erase_logs_of, of, of) != QUERY_ROW ||
        !erased_add(rq, part->erasure_id, "progress_logs", of->rows, part->sweeps > 0))
        return false;
    struct logs_of_person events = *of;
    if (of->rows < of->limit)
        events.last = INT64_MAX;
    return query_row(rq, &erase_log_events_of, &events, &events) == QUERY_ROW &&
           erased_add(rq, part->erasure_id, "progress_events", events.rows, part->sweeps > 0);
}

static bool erase_person(struct request *rq, const struct erasure_part *part, struct person_names *names)
{
    const struct of_person of = {.user_id = part->user_id};
    enum query_result result = query_row(rq, &erase_user, &of, names);

    if (result != QUERY_ROW && result != QUERY_NONE)
        return false;
    names->user_id = part->user_id;
    return erased_add(rq, part->erasure_id, "users", result == QUERY_ROW, part->sweeps > 0);
}

bool erasure_erase_own(struct request *rq, const struct erasure_part *part, int64_t limit, bool *more)
{
    struct of_person attempts = {.user_id = part->user_id, .limit = limit};
    struct logs_of_person logs = {.user_id = part->user_id, .limit = limit};
    struct person_names person = {.username = TEXT_NULL, .email = TEXT_NULL}, allowed;
    int64_t kept = 0;

    if (!erase_person(rq, part, &person) || !erase_attempts(rq, part, &attempts) ||
        query_row(rq, &allow_erasing, &person, &allowed) != QUERY_ROW || !erase_logs(rq, part, &logs))
        return false;
    if (query_row(rq, &forget_requester, &person, NULL) == QUERY_REPLIED)
        return false;
    const struct text names[] = {person.user_id, person.username, person.email};
    *more = attempts.rows == attempts.limit || logs.rows == logs.limit;
    /* All answers are read: once with the names, which are known only now, and once at the end. */
    if ((!*more || person.username.at) && !kept_forget(rq, names, COUNT(names), &kept))
        return false;
    return erased_add(rq, part->erasure_id, "idempotency_keys", kept, part->sweeps > 0);
}

/* What comes of a try */

/* Ends the sweep of a part, or has it go on after a pause. */
static bool note_progress(struct request *rq, const struct erasure_part *part, bool more, int64_t pause)
{
    const struct outcome outcome = {.part = *part, .pause = pause};

    return query_row(rq, more ? &go_on : &end_sweep, &outcome, NULL) != QUERY_REPLIED;
}

/* What is not committed is done again when the claim ends. */
static void end_transaction(struct request *rq, bool good)
{
    if (good)
        query_commit(rq);
    else
        query_rollback(rq);
}

static void do_own(struct request *rq, const struct erasure_part *part)
{
    struct of_person noted = {.user_id = part->user_id};
    int64_t since = rq->loop->now;
    bool more = false;

    if (!query_begin(rq))
        return;
    bool good = erasure_erase_own(rq, part, ERASE_AT_ONCE, &more) &&
                query_row(rq, &find_attempts_noted, &noted, &noted) == QUERY_ROW;
    end_transaction(rq, good && note_progress(rq, part, more || noted.rows, more ? 0 : FOLD_WAIT));
    if (more)
        erased_rest(rq, since);
}

static bool note_counts(struct request *rq, const struct erasure_part *part,
                        const struct erasure_answer *answer)
{
    for (size_t i = 0; i < answer->count; i++) {
        const struct counted counted = {part->erasure_id, part->service, answer->counts[i].kind,
                                        answer->counts[i].rows, part->sweeps > 0};
        if (query_row(rq, &set_erased, &counted, NULL) == QUERY_REPLIED)
            return false;
    }
    return true;
}

static void do_other(struct request *rq, const struct erasure_part *part, enum other other)
{
    char query[QUERY_SIZE];
    struct erasure_answer answer;
    const char *why;

    snprintf(query, sizeof(query), "?erasure_id=%.*s", (int)part->erasure_id.len, part->erasure_id.at);
    enum other_state state = erasure_call(rq, other, part->user_id, query, &answer, &why);
    if (state != OTHER_ANSWERED) {
        const struct outcome outcome = {
            .part = *part, .pause = LONGEST, .error = text_of(why), .blocked = state == OTHER_BLOCKED};
        log_line(LOG_WARNING, "an erasure waits", "erasure_id", arena_string(&rq->arena, part->erasure_id),
                 "other", other_name(other), "reason", why, NULL);
        query_row(rq, &try_again, &outcome, NULL);
        return;
    }
    if (!query_begin(rq))
        return;
    /* No pause while it deletes: the service rests between its own transactions. */
    end_transaction(rq, note_counts(rq, part, &answer) &&
                            note_progress(rq, part, answer.remaining, answer.deleted ? 0 : FOLD_WAIT));
}

static void do_part(struct request *rq, const struct erasure_part *part)
{
    for (int i = 0; i < OTHERS; i++)
        if (text_equal(part->service, text_of(other_name((enum other)i)))) {
            do_other(rq, part, (enum other)i);
            return;
        }
    do_own(rq, part);
}

/* Upkeep */

static bool count(struct request *rq, struct running *running)
{
    struct erasure_metrics *m = rq->worker->erasure_metrics;

    if (query_row(rq, &count_running, NULL, running) != QUERY_ROW)
        return false;
    metric_set(&m->running, (uint64_t)running->running);
    metric_set(&m->blocked, (uint64_t)running->blocked);
    metric_set(&m->oldest, (uint64_t)(running->oldest * SECOND));
    return true;
}

void erasures_upkeep(struct request *rq)
{
    const struct claim claim = {LEASE};
    struct running running;

    if (!count(rq, &running) || !running.running)
        return;
    for (int i = 0; i < PARTS_MAX && !rq->worker->draining; i++) {
        struct erasure_part part;
        rq->deadline = rq->loop->now + rq->worker->settings->report_timeout * MILLISECOND;
        if (query_row(rq, &claim_part, &claim, &part) != QUERY_ROW)
            break;
        do_part(rq, &part);
        arena_reset(&rq->arena);
    }
    query_row(rq, &end_erasures, NULL, NULL);
    count(rq, &running);
}

#define ONE(member) METRIC_ONE(struct erasure_metrics, member)

static const struct metric_family families[] = {
    {"erasures_running", METRIC_GAUGE, ONE(running), .help = "Erasures of people that are not complete."},
    {"erasures_blocked", METRIC_GAUGE, ONE(blocked),
     .help = "Those of them that a service does not offer, or refuses for want of SERVICE_TOKEN."},
    {"erasures_oldest_age_seconds", METRIC_AGE, ONE(oldest),
     .help = "How long ago the oldest of them was requested; 0 if there is none."},
};

static const struct metric_group metric_group = {sizeof(struct erasure_metrics), families, COUNT(families)};

static bool open_metrics(struct worker *worker, bool first)
{
    (void)first;
    worker->erasure_metrics = metrics_add_room(&worker->metrics, &metric_group);
    return worker->erasure_metrics != NULL;
}

const struct part erasures_part = {.name = "erasures", .open = open_metrics};
