/*
 * Shared calls: the questions of many requests in one POST /lookup.
 *
 * A question waits in the queue until the call before has ended, and joins the next one
 * as far as that has room; each has its own deadline in either. A call that User Progress refuses is made
 * again for one question at a time, so that what one client sent never fails another's.
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
#define LOOKUP_QUESTIONS 4096                /* that wait for a call */

struct client_call;
struct fiber;
struct request;
struct worker;

enum question_state {
    QUESTION_ASKED,
    QUESTION_ANSWERED,
    QUESTION_PLAIN,   /* User Progress has no /lookup: to be asked by plain GETs */
    QUESTION_REFUSED, /* User Progress does not take it, alone as it was */
    QUESTION_UNKNOWN,
};

/* One request's question, or a piece of it; lives on its fiber's stack. */
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
    bool alone;   /* it shares no call */
    enum question_state state;
};

/* Opens the lookups of a worker; false when memory is exhausted. */
bool lookups_open(struct worker *worker) MUST_CHECK;
void lookups_close(struct worker *worker);

/* Sends what the turn has gathered; called by the loop at the end of a turn. */
void lookups_flush(struct worker *worker);

/* Asks and waits for how it ends: in `state`. */
void lookup_ask(struct question *question);

/* Until when a request waits for User Progress: the setting's time, or the request's own deadline. */
int64_t lookup_deadline(const struct request *rq);

/* Adds the token of the services, where there is one, to a call of our own to User Progress. */
void lookup_authorize(struct client_call *call, struct request *rq);

#endif
