/*
 * Who asks: the bearer token of a request (RFC 6750), checked before anything of the request is read.
 */
#ifndef COMMON_AUTH_AUTH_H
#define COMMON_AUTH_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/text.h"

struct request;
struct worker;

struct auth_settings {
    const char *jwks_url; /* NULL: authentication is not configured; else issuer and audience are there */
    const char *issuer;
    const char *audience;
    const char *auth0_domain;
    const char *ca_file; /* NULL: the system's certificates */
    bool required;
    bool subject_scoped;
    const char *service_token; /* NULL: none */
    int64_t fetch_timeout;     /* of the key set, milliseconds */
};

enum auth_verdict {
    AUTH_PASSED,  /* no token is asked, or a good one was shown: rq->subject and rq->own_user_only are set */
    AUTH_REPLIED, /* 401 or 503 is the reply */
    AUTH_STALE,   /* the token may be signed by a newer key: auth_refresh, then check again */
};

/*
 * Opens what a worker verifies tokens with; false when memory is exhausted. The `keeper` is the one worker
 * that has the keys fetched from time to time.
 */
bool auth_open(struct worker *worker, bool keeper);
void auth_close(struct worker *worker);

/*
 * Checks the token of a request whose endpoint is known (or is NULL: then AUTH_REQUIRED decides). Answers
 * AUTH_STALE only where `may_refresh` is set, and at most every 30 s. Does not wait.
 */
enum auth_verdict auth_check(struct request *rq, bool may_refresh);

/* Has the keys fetched. Waits. */
void auth_refresh(struct request *rq);

/* Whether the request's token reaches a user (AUTH_SUBJECT_SCOPED); false: 403 is the reply. */
bool auth_require_user(struct request *rq, struct text user_id);

#endif
