/* The bearer token of a request (RFC 6750), checked before the rest of the request is read. */
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
    AUTH_PASSED,  /* no token is required, or it is valid: rq->subject and rq->own_user_only are set */
    AUTH_REPLIED, /* the reply is 401, 403 or 503 */
    AUTH_STALE,   /* the token may be signed by a newer key: auth_refresh, then check again */
};

/* What a worker's check of tokens uses; all of it must outlive the check. */
struct auth_base {
    const struct auth_settings *settings;
    struct keyset *keyset; /* of the process */
    struct loop *loop;
    struct fiber_pool *fibers;
    struct client *client;
};

/*
 * Opens a worker's check of tokens; NULL when memory is exhausted. The `keeper` is the one worker that
 * fetches the keys from time to time.
 */
struct auth *auth_open(const struct auth_base *base, bool keeper) MUST_CHECK;

/* No fetch may be in progress. NULL is allowed. */
void auth_close(struct auth *auth);

/*
 * Checks the token of a request as its endpoint requires, and that it has the endpoint's scope. Returns
 * AUTH_STALE only if `may_refresh` is set, and at most every KEYSET_PAUSE_S seconds. Does not wait.
 */
enum auth_verdict auth_check(struct auth *auth, struct request *rq, bool may_refresh) MUST_CHECK;

/* Fetches the keys for a request, until its deadline. Waits. */
void auth_refresh(struct auth *auth, struct request *rq);

/* Whether the request's token gives access to a user (AUTH_SUBJECT_SCOPED); false: the reply is 403. */
bool auth_require_user(struct request *rq, struct text user_id);

/* The same for what is about all users. */
bool auth_require_all_users(struct request *rq);

#endif
