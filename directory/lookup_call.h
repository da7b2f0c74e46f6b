/*
 * Shared calls: questions of many requests in one POST /lookup.
 *
 * A question waits in the queue until the previous call has ended, and joins the next one that has room; its
 * own deadline applies all the time. A call that User Progress refuses is repeated for one question at a
 * time, so that the input of one client never makes the request of another fail.
 */
#ifndef DIRECTORY_LOOKUP_CALL_H
#define DIRECTORY_LOOKUP_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/declare.h"
#include "common/base/text.h"
#include "common/base/waiting.h"
#include "directory/known.h"
#include "directory/names.h"

#define LOOKUP_BYTES     ((size_t)256 << 10) /* of its names as JSON */
#define LOOKUP_QUESTIONS 4096                /* the most that wait for a call */

struct client_call;
struct fiber;
struct request;
struct worker;

enum question_state {
    QUESTION_ASKED,
    QUESTION_ANSWERED,
    QUESTION_PLAIN,   /* User Progress has no /lookup: to be asked by plain GETs */
    QUESTION_REFUSED, /* User Progress refuses it, even alone */
    QUESTION_UNKNOWN,
};

/* The question of a request, or a part of it; lives on its fiber's stack. */
struct question {
    struct waiting waiting;
    struct request *rq;
    struct fiber *fiber;
    int64_t deadline;
    const struct text *user_ids, *lab_types; /* at most LOOKUP_NAMES of each, LOOKUP_BYTES in all */
    size_t user_count, lab_count;
    struct known_user *users;
    struct known_lab *labs;
    bool details; /* the labs' descriptions and difficulties are wanted */
    bool alone;   /* to be asked in a call of its own */
    enum question_state state;
};

/* Opens the lookups of a worker; false when memory is exhausted. */
bool lookups_open(struct worker *worker) MUST_CHECK;
void lookups_close(struct worker *worker);

/* Sends the questions of the turn; called by the loop at the end of a turn. */
void lookups_flush(struct worker *worker);

/* Asks a question and waits until it ends; the result is its `state`. */
void lookup_ask(struct question *question);

/* How long a request waits for User Progress: the setting's time, or until its own deadline. */
int64_t lookup_deadline(const struct request *rq);

/* Adds SERVICE_TOKEN, if it is set, to a call of this service's own to User Progress; in the call's arena. */
void lookup_authorize(struct client_call *call, struct request *rq);

#endif
