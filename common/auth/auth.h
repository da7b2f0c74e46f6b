/*
 * Who is calling: the bearer token of a request (RFC 6750), checked before anything of the request is read.
 */
#ifndef COMMON_AUTH_AUTH_H
#define COMMON_AUTH_AUTH_H

#include <stdbool.h>

#include "common/auth/settings.h"
#include "common/base/declare.h"
#include "common/base/text.h"

struct auth;
struct client;
struct fiber_pool;
struct keyset;
struct loop;
struct request;

enum auth_verdict {
    AUTH_PASSED,  /* none is required, or a good one came: rq->subject and rq->own_user_only are set */
    AUTH_REPLIED, /* 401 or 503 is the reply */
    AUTH_STALE,   /* the token may be signed by a newer key: auth_refresh, then check again */
};

/* What the check of a worker stands on; all of it must outlive the check. */
struct auth_base {
    const struct auth_settings *settings;
    struct keyset *keyset; /* of the process */
    struct loop *loop;
    struct fiber_pool *fibers;
    struct client *client;
};

/*
 * Opens what a worker verifies tokens with; NULL when memory is exhausted. The `keeper` is the one worker
 * that has the keys fetched from time to time.
 */
struct auth *auth_open(const struct auth_base *base, bool keeper) MUST_CHECK;

/* No fetch may be on its way. NULL is fine. */
void auth_close(struct auth *auth);

/*
 * Checks the token of a request for an endpoint with these flags. Answers AUTH_STALE only where `may_refresh`
 * is set, and at most every KEYSET_PAUSE_S seconds. Does not wait.
 */
enum auth_verdict auth_check(struct auth *auth, struct request *rq, unsigned flags,
                             bool may_refresh) MUST_CHECK;

/* Has the keys fetched for a request, until its deadline. Waits. */
void auth_refresh(struct auth *auth, struct request *rq);

/* Whether the request's token reaches a user (AUTH_SUBJECT_SCOPED); false: 403 is the reply. */
bool auth_require_user(struct request *rq, struct text user_id);

#endif
