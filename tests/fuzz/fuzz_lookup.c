/*
 * Answers of User Progress to lookups: whatever it answers, a request learns of its own names only what a
 * well-formed answer says, or that nothing is known.
 *
 * An input is the answers to the calls that follow one another, each a status, of two bytes, and a body up to
 * a NUL.
 */
#include <string.h>

#include "common/base/fiber.h"
#include "common/base/log.h"
#include "common/http/client.h"
#include "common/http/request.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "directory/lookup.h"
#include "directory/lookup_call.h"
#include "directory/lookup_metrics.h"
#include "tests/fuzz/support/fuzz.h"

#define CALLS_MOST 20 /* that one input leads to */
#define TURNS_MOST 60 /* of the loop, each of which ends with a flush */

static const struct text users[] = {TEXT("u"), TEXT("v"), TEXT("")};
static const struct text types[] = {TEXT("t"), TEXT("s")};
static const int statuses[] = {200, 404, 405, 400, 413, 422, 500, 0};

static struct settings settings = {
    .directory = {.user_progress_url = "http://user-progress", .timeout = 1000, .plain_lookups = 50}};
static struct worker worker = {.settings = &settings};
static struct text answers;
static struct client_call *started;
static size_t calls;

/* In the place of the client's: the call is kept, or answered at once. */
bool __wrap_client_start(struct client *client, struct client_call *call);
bool __wrap_client_run(struct client *client, struct client_call *call);

static void answer(struct client_call *call)
{
    unsigned status = fuzz_byte(&answers);
    struct text body = fuzz_take(&answers, '\0');

    HOLDS(++calls <= CALLS_MOST);
    call->status = statuses[status % COUNT(statuses)];
    call->too_large = status >= '8' && status <= '9';
    HOLDS(body.len < call->answer_limit);
    call->answer = call->status ? arena_text(call->arena, body) : TEXT_NULL;
}

bool __wrap_client_start(struct client *client, struct client_call *call)
{
    (void)client;
    HOLDS(!started && json_type(fuzz_parse(call->arena, call->body)) == JSON_OBJECT);
    started = call;
    return true;
}

bool __wrap_client_run(struct client *client, struct client_call *call)
{
    (void)client;
    answer(call);
    return call->status != 0;
}

static void ask(void *arg)
{
    struct request *rq = arg;
    struct known_user known[COUNT(users)];
    struct known_lab labs[COUNT(types)];

    rq->deadline = rq->loop->now + SECOND;
    if (!lookup(rq, users, COUNT(users), known, types, COUNT(types), labs, true)) {
        HOLDS(rq->status == 503);
        return;
    }
    HOLDS(!rq->status);
    for (size_t i = 0; i < COUNT(users); i++)
        HOLDS(!known[i].id.at || text_equal(known[i].id, users[i]));
    for (size_t i = 0; i < COUNT(types); i++) {
        HOLDS(!labs[i].lab_type.at || text_equal(labs[i].lab_type, types[i]));
        HOLDS(!labs[i].name.at ||
              (text_is_utf8(labs[i].name) && !memchr(labs[i].name.at, '\0', labs[i].name.len)));
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    log_start("fuzz", (enum log_level)(LOG_ERROR + 1));
    worker.fibers.limit = 10;
    HOLDS(loop_open(&worker.loop));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct request rqs[2] = {{.worker = &worker, .loop = &worker.loop},
                             {.worker = &worker, .loop = &worker.loop}};

    answers = (struct text){len ? (const char *)bytes : "", len};
    calls = 0;
    HOLDS(lookups_open(&worker));
    for (size_t i = 0; i < COUNT(rqs); i++)
        HOLDS(fiber_start(&worker.fibers, ask, &rqs[i]));
    for (size_t turn = 0; worker.fibers.running && turn < TURNS_MOST; turn++) {
        struct client_call *call = started;
        started = NULL;
        if (call) {
            answer(call);
            call->done(call);
        }
        lookups_flush(&worker);
    }
    HOLDS(!worker.fibers.running);
    lookups_close(&worker);
    metrics_close(&worker.metrics);
    for (size_t i = 0; i < COUNT(rqs); i++)
        arena_free(&rqs[i].arena);
    return 0;
}
