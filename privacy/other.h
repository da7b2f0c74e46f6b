/*
 * The services that User Progress calls: the two others, which hold data of its users too. They are called
 * with SERVICE_TOKEN only.
 */
#ifndef PRIVACY_OTHER_H
#define PRIVACY_OTHER_H

#include <stdbool.h>

#include "common/base/declare.h"
#include "common/base/text.h"

struct client_call;
struct request;

enum other { OTHER_PERFORMANCE, OTHER_USAGE };

#define OTHERS 2

enum other_state {
    OTHER_ANSWERED, /* with status 200 */
    OTHER_AWAY,     /* no answer in time, or one that says: later */
    OTHER_BLOCKED,  /* it will answer no better until somebody changes its version or settings, or ours */
};

/* The service's name: performance-reporting. */
const char *other_name(enum other other);

/*
 * The URL of what is below `before` and the segment, on the service; `after`, which may have a query, follows
 * the segment. In the request's memory; NULL when that is exhausted.
 */
char *other_url(struct request *rq, enum other other, const char *before, struct text segment,
                const char *after) MUST_CHECK;

/*
 * Makes a call whose method, URL, limit and deadline are set; its answer is in the request's memory unless
 * the call has another arena. `*why` is the reason of any other state than OTHER_ANSWERED, a static text.
 * Waits.
 */
enum other_state other_call(struct request *rq, struct client_call *call, const char **why) MUST_CHECK;

#endif
