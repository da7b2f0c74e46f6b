#include "common/auth/auth.h"

#include <stdlib.h>

#include "common/auth/jwt.h"
#include "common/auth/keyset.h"
#include "common/auth/token_cache.h"
#include "common/base/declare.h"
#include "common/base/log.h"
#include "common/http/request.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/table/api.h"

#define LEEWAY        30             /* seconds by which clocks may differ */
#define TOKENS_CACHED 4096           /* a worker */
#define REFRESH       (300 * SECOND) /* between two fetches of the key set */
#define FIRST_RETRY   (2 * SECOND)   /* the same as long as there is none */
#define ANY_USER      TEXT("progress:any")

struct auth {
    struct worker *worker;
    struct jwt_rules rules;
    struct jwt_keys *keys; /* this worker's copy; NULL: none yet */
    uint64_t generation;   /* of that copy */
    struct token_cache *cache;
    struct timer refresh; /* of the keeper */
};

/* A request that nobody sent, for the fetch that the service makes for itself. */
static void do_refresh(void *arg)
{
    struct worker *worker = arg;
    struct request rq = {.loop = &worker->loop,
                         .worker = worker,
                         .deadline = worker->loop.now + worker->settings->auth.fetch_timeout * MILLISECOND};

    keyset_fetch(worker->keyset, &rq);
    arena_free(&rq.arena);
}

static void refresh_due(struct timer *timer)
{
    struct auth *auth = container_of(timer, struct auth, refresh);
    struct worker *worker = auth->worker;
    bool started = fiber_start(&worker->fibers, do_refresh, worker);
    bool none = keyset_generation(worker->keyset) == 0;

    if (!started || !timer_set(&worker->loop, timer, worker->loop.now + (none ? FIRST_RETRY : REFRESH)))
        log_line(LOG_WARNING, "cannot renew the key set", NULL);
}

bool auth_open(struct worker *worker, bool keeper)
{
    const struct settings *s = worker->settings;

    if (!s->auth.jwks_url)
        return true;
    struct auth *auth = worker->auth = calloc(1, sizeof(*auth));
    if (!auth)
        return false;
    auth->worker = worker;
    auth->rules = (struct jwt_rules){text_of(s->auth.issuer), text_of(s->auth.audience), LEEWAY};
    auth->refresh.fire = refresh_due;
    auth->cache = token_cache_new(TOKENS_CACHED);
    return auth->cache && (!keeper || timer_set(&worker->loop, &auth->refresh, worker->loop.now));
}

void auth_close(struct worker *worker)
{
    struct auth *auth = worker->auth;

    if (!auth)
        return;
    timer_cancel(&worker->loop, &auth->refresh);
    token_cache_free(auth->cache);
    jwt_keys_free(auth->keys);
    free(auth);
    worker->auth = NULL;
}

/* RFC 6750, section 3: every 401 says what is asked. */
static enum auth_verdict refuse(struct request *rq, const char *message)
{
    reply_header(rq, "WWW-Authenticate", "Bearer");
    reply_member(rq, 401, "message", message);
    return AUTH_REPLIED;
}

static enum auth_verdict cannot_know(struct request *rq)
{
    reply_header(rq, "Retry-After", "1");
    reply_member(rq, 503, "message", "The keys for tokens are not available");
    return AUTH_REPLIED;
}

/* What stands behind `Bearer `, whose case does not matter (RFC 9110, section 11.1); else the null text. */
static struct text bearer_token(struct text header)
{
    static const struct text scheme = {"Bearer ", 7};

    if (header.len <= scheme.len || !text_equal_folded((struct text){header.at, scheme.len}, scheme))
        return TEXT_NULL;
    return text_trimmed((struct text){header.at + scheme.len, header.len - scheme.len});
}

/* In a time that tells nothing of where they differ. */
static bool is_secret(struct text shown, const char *secret)
{
    struct text known = text_of(secret);
    unsigned char difference = 0;

    if (!known.at || shown.len != known.len)
        return false;
    for (size_t i = 0; i < known.len; i++)
        difference |= (unsigned char)(shown.at[i] ^ known.at[i]);
    return difference == 0;
}

/* Whether a scope (RFC 8693, section 4.2: words with spaces between them) has a word. */
static bool scope_has(struct text scope, struct text word)
{
    while (scope.len) {
        const char *space = memchr(scope.at, ' ', scope.len);
        size_t len = space ? (size_t)(space - scope.at) : scope.len;
        if (text_equal((struct text){scope.at, len}, word))
            return true;
        scope = (struct text){scope.at + len + (space ? 1 : 0), scope.len - len - (space ? 1 : 0)};
    }
    return false;
}

static enum auth_verdict pass(struct request *rq, const struct jwt_claims *claims)
{
    rq->subject = claims->sub;
    rq->own_user_only = rq->worker->settings->auth.subject_scoped && !scope_has(claims->scope, ANY_USER);
    return AUTH_PASSED;
}

/* Takes over what another worker's fetch has brought. */
static void renew_keys(struct auth *auth)
{
    uint64_t generation;

    if (keyset_generation(auth->worker->keyset) == auth->generation)
        return;
    struct jwt_keys *keys = keyset_copy(auth->worker->keyset, &generation);
    if (!keys)
        return;
    jwt_keys_free(auth->keys);
    auth->keys = keys;
    auth->generation = generation;
}

static enum auth_verdict verify(struct request *rq, struct text token, bool may_refresh)
{
    struct worker *worker = rq->worker;
    struct auth *auth = worker->auth;
    int64_t now = clock_of_day().us / 1000000;
    struct jwt_claims claims;

    renew_keys(auth);
    if (!auth->keys)
        return cannot_know(rq);
    if (token_cache_find(auth->cache, token, auth->generation, &auth->rules, now, &rq->arena, &claims))
        return pass(rq, &claims);
    switch (jwt_verify(auth->keys, &auth->rules, token, now, &rq->arena, &claims)) {
    case JWT_OK:
        token_cache_add(auth->cache, token, auth->generation, &claims);
        return pass(rq, &claims);
    case JWT_EXPIRED:
        return refuse(rq, "Token has expired");
    case JWT_UNKNOWN_KEY:
        if (may_refresh && keyset_claim_fetch(worker->keyset, worker->loop.now))
            return AUTH_STALE;
        return refuse(rq, "Invalid token");
    case JWT_INVALID:
        return refuse(rq, "Invalid token");
    case JWT_NO_MEMORY:
        break;
    }
    reply_unavailable(rq);
    return AUTH_REPLIED;
}

enum auth_verdict auth_check(struct request *rq, bool may_refresh)
{
    const struct settings *s = rq->worker->settings;
    unsigned flags = rq->endpoint ? rq->endpoint->flags : 0;
    bool of_user = flags & ENDPOINT_TOKEN;

    if (!of_user && (!s->auth.required || flags & ENDPOINT_OPEN))
        return AUTH_PASSED;
    if (!s->auth.jwks_url) {
        reply_member(rq, 503, "message", "Authentication is not configured");
        return AUTH_REPLIED;
    }
    if (!rq->headers.authorization.at)
        return refuse(rq, "Authorization header missing");
    struct text token = bearer_token(rq->headers.authorization);
    if (!token.len)
        return refuse(rq, "Invalid token");
    if (!of_user && is_secret(token, s->auth.service_token))
        return AUTH_PASSED;
    return verify(rq, token, may_refresh);
}

void auth_refresh(struct request *rq)
{
    keyset_fetch(rq->worker->keyset, rq);
}

bool auth_require_user(struct request *rq, struct text user_id)
{
    if (!rq->own_user_only || (rq->subject.at && text_equal(rq->subject, user_id)))
        return true;
    reply_member(rq, 403, "message", "The token does not reach this user");
    return false;
}
