#include "common/pg/keeper.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/base/declare.h"
#include "common/base/log.h"
#include "common/pg/script.h"
#include "common/pg/steps.h"

#define LOOK_EVERY   200  /* milliseconds, until the first part is there */
#define SLICE_EVERY  1000 /* milliseconds, once nothing is left */
#define LOOK_AGAIN   60   /* slices, then all steps are checked again */
#define STOP_TIMEOUT 5    /* seconds */
#define STACK_SIZE   ((size_t)256 * 1024)

struct keeper {
    struct steps steps;
    bool (*ready)(void);
    pthread_t thread;
};

/*
 * Does the steps, then slices for a while; then the steps are checked again, in case tables were dropped.
 * True: nothing is left to do.
 */
static bool keep(struct steps *steps)
{
    bool any = false;

    if (!steps_run(steps))
        return false;
    for (int i = 0; i < LOOK_AGAIN && steps_run_slices(steps, &any); i++) {
        if (!any)
            return !steps->missing;
        if (!steps_rest(steps, SLICE_EVERY))
            break;
    }
    return false;
}

static void *keeper_run(void *arg)
{
    struct keeper *keeper = arg;
    struct steps *steps = &keeper->steps;

    while (steps_rest(steps, 0)) {
        bool ready = keeper->ready();
        bool finished = ready && keep(steps);
        steps_end(steps);
        if (finished)
            metric_set(steps->waiting, 0);
        if (finished || !steps_rest(steps, ready ? STEPS_TRY_AGAIN : LOOK_EVERY))
            break;
    }
    return NULL;
}

struct keeper *keeper_start(const struct keeper_task *task)
{
    size_t steps = script_count_steps(task->schema);
    struct keeper *keeper = steps ? calloc(1, sizeof(*keeper)) : NULL;
    pthread_attr_t attributes;

    if (!steps)
        return NULL;
    if (keeper) {
        keeper->ready = task->ready;
        keeper->steps = (struct steps){.url = task->url,
                                       .name = task->name,
                                       .schema = task->schema,
                                       .session_settings = task->session_settings,
                                       .waiting = task->waiting,
                                       .stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
        metric_set(task->waiting, steps);
        bool started = keeper->steps.stop >= 0 && pthread_attr_init(&attributes) == 0 &&
                       pthread_attr_setstacksize(&attributes, STACK_SIZE) == 0 &&
                       pthread_create(&keeper->thread, &attributes, keeper_run, keeper) == 0;
        pthread_attr_destroy(&attributes);
        if (started)
            return keeper;
        if (keeper->steps.stop >= 0)
            close(keeper->steps.stop);
        free(keeper);
    }
    log_line(LOG_ERROR, "the schema's steps cannot be run", "reason", "no memory or thread", NULL);
    return NULL;
}

void keeper_stop(struct keeper *keeper)
{
    struct timespec end;

    if (!keeper)
        return;
    while (write(keeper->steps.stop, &(uint64_t){1}, sizeof(uint64_t)) < 0 && errno == EINTR)
        ;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += STOP_TIMEOUT;
    if (pthread_timedjoin_np(keeper->thread, NULL, &end) != 0) {
        pthread_detach(
            keeper->thread); /* libpq would wait for a server that does not accept the cancellation */
        return;
    }
    close(keeper->steps.stop);
    free(keeper);
}
