#include "user-progress/verify.h"

#include <stdio.h>

#include "common/http/request.h"
#include "common/serve/query.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/serve/worker_run.h"
#include "user-progress/verify.sql.h"

#define ROWS_AT_A_TIME 100

enum { EXIT_SAME, EXIT_DIFFERENT, EXIT_UNREADABLE };

/* The state of an entry, after an event or as derived by the database. */
struct standing {
    int64_t version; /* INT_NULL: there is no such row */
    struct text user_id, date;
    struct kept_json members;
    struct moment recorded_at;
};

struct replayed {
    int64_t log_id;
    struct text type;
    struct standing event, state;
};

/* The last row that was read: an event, or an entry. */
struct place {
    int64_t log_id, version, limit;
};

struct orphan {
    int64_t log_id;
};

STATEMENT(next_events, REPORT, PARAMS(struct place, log_id, version, limit),
          ROW(struct replayed, log_id, type, event.version, event.user_id, event.date, event.members,
              event.recorded_at, state.version, state.user_id, state.date, state.members, state.recorded_at));
STATEMENT(next_orphans, REPORT, PARAMS(struct place, log_id, limit), ROW(struct orphan, log_id));

/* The state of the replay in the entry that it reads. */
struct replay {
    struct place last; /* version 0: before the first event */
    struct moment last_time;
    int64_t state_version;
    bool standing; /* the entry is not deleted */
    int64_t entries, events, differences;
    bool read; /* all rows were read */
};

static void differ(struct replay *replay, int64_t log_id, int64_t version, const char *what)
{
    printf("entry %lld, version %lld: %s\n", (long long)log_id, (long long)version, what);
    replay->differences++;
}

/* Checks an entry after its last event. */
static void finish_entry(struct replay *replay)
{
    if (replay->last.version && replay->state_version != INT_NULL &&
        replay->state_version != replay->last.version)
        differ(replay, replay->last.log_id, replay->last.version,
               "is the last event, but the state is of another version");
}

/* Returns why an event cannot follow the one before it; NULL: it can. */
static const char *order_fault(const struct replay *replay, const struct replayed *row)
{
    bool first = replay->last.version == 0;

    if (row->event.version != replay->last.version + 1)
        return "does not follow the version before it";
    if (first != text_equal(row->type, TEXT("created")))
        return first ? "is the first one, but creates nothing" : "creates what is there";
    if (!replay->standing &&
        (text_equal(row->type, TEXT("updated")) || text_equal(row->type, TEXT("deleted"))))
        return "changes what is deleted";
    if (!first && row->event.recorded_at.us <= replay->last_time.us)
        return "is not later than the version before it";
    return NULL;
}

static bool same(const struct standing *a, const struct standing *b)
{
    return text_equal(a->date, b->date) && text_equal(a->members.bytes, b->members.bytes) &&
           a->recorded_at.us == b->recorded_at.us;
}

static void replay_event(struct replay *replay, const struct replayed *row)
{
    if (row->log_id != replay->last.log_id) {
        finish_entry(replay);
        replay->last = (struct place){row->log_id, 0, ROWS_AT_A_TIME};
        replay->standing = false;
        replay->entries++;
        if (row->state.version == INT_NULL)
            differ(replay, row->log_id, row->event.version, "the entry has no state");
    }
    const char *fault = order_fault(replay, row);
    if (fault)
        differ(replay, row->log_id, row->event.version, fault);
    if (row->state.version != INT_NULL && !text_equal(row->event.user_id, row->state.user_id))
        differ(replay, row->log_id, row->event.version, "is of another user than the state");
    if (row->state.version == row->event.version && !same(&row->event, &row->state))
        differ(replay, row->log_id, row->event.version, "the state is not what the event left");
    replay->last.version = row->event.version;
    replay->last_time = row->event.recorded_at;
    replay->state_version = row->state.version;
    replay->standing = row->event.members.bytes.at != NULL;
    replay->events++;
}

/* Reads a page, into memory that the next page uses again; false if the database cannot be read. */
static bool read_page(struct request *rq, const struct statement *statement, const struct place *after,
                      struct rows *rows)
{
    arena_reset(&rq->arena);
    rq->deadline = clock_monotonic() + rq->worker->settings->report_timeout * MILLISECOND;
    return query_rows(rq, statement, after, rows) != QUERY_REPLIED;
}

static void replay_all(struct request *rq, void *arg)
{
    struct replay *replay = arg;
    struct place after = {.limit = ROWS_AT_A_TIME};
    struct rows rows;

    do {
        if (!read_page(rq, &next_events, &replay->last, &rows))
            return;
        const struct replayed *row = rows.items;
        for (size_t i = 0; i < rows.count; i++)
            replay_event(replay, &row[i]);
    } while (rows.count == ROWS_AT_A_TIME);
    finish_entry(replay);
    do {
        if (!read_page(rq, &next_orphans, &after, &rows))
            return;
        const struct orphan *orphan = rows.items;
        for (size_t i = 0; i < rows.count; i++)
            differ(replay, after.log_id = orphan[i].log_id, 0, "the state has no events");
    } while (rows.count == ROWS_AT_A_TIME);
    replay->read = true;
}

int verify_run(const struct settings *settings, const struct api *api)
{
    struct replay replay = {.last.limit = ROWS_AT_A_TIME};

    if (!worker_do_alone(settings, api, replay_all, &replay) || !replay.read) {
        fprintf(stderr, "the database cannot be read\n");
        return EXIT_UNREADABLE;
    }
    printf("%lld events of %lld entries replayed, %lld differences\n", (long long)replay.events,
           (long long)replay.entries, (long long)replay.differences);
    return replay.differences ? EXIT_DIFFERENT : EXIT_SAME;
}
