#include "common/auth/auth.h"

#include <stdlib.h>

#include "common/auth/jwt.h"
#include "common/auth/keyset.h"
#include "common/auth/token_cache.h"
#include "common/base/declare.h"
#include "common/base/fiber.h"
#include "common/base/log.h"
#include "common/base/loop.h"
#include "common/http/request.h"
#include "common/table/api.h"

#define LEEWAY        30             /* seconds by which clocks may differ */
#define TOKENS_CACHED 4096           /* per worker */
#define REFRESH       (300 * SECOND) /* between two fetches of the key set */
#define FIRST_RETRY   (2 * SECOND)   /* the same, as long as there is no key set */
#define ANY_USER      TEXT("progress:any")

struct auth {
    struct auth_base base;
    struct jwt_rules rules;
    struct jwt_keys *keys;     /* this worker's copy; NULL: none yet */
    uint64_t generation;       /* of that copy */
    struct token_cache *cache; /* NULL if authentication is not configured */
    struct timer refresh;      /* of the keeper */
};

/* When a fetch that begins now has to have ended. */
static int64_t fetch_deadline(const struct auth_base *base)
{
    return base->loop->now + base->settings->fetch_timeout * MILLISECOND;
}

static void fetch(void *arg)
{
    const struct auth_base *base = &((struct auth *)arg)->base;
    struct arena arena = {0};

    keyset_fetch(base->keyset, base->client, &arena, fetch_deadline(base));
    arena_free(&arena);
}

static void refresh_due(struct timer *timer)
{
    struct auth *auth = container_of(timer, struct auth, refresh);
    struct loop *loop = auth->base.loop;
    bool started = fiber_start(auth->base.fibers, fetch, auth);
    bool none = keyset_generation(auth->base.keyset) == 0;

    bool again = timer_set(loop, timer, loop->now + (none || !started ? FIRST_RETRY : REFRESH));
    if (!started || !again)
        log_line(LOG_WARNING, "cannot renew the key set", NULL);
}

struct auth *auth_open(const struct auth_base *base, bool keeper)
{
    const struct auth_settings *settings = base->settings;
    struct auth *auth = calloc(1, sizeof(*auth));

    if (!auth)
        return NULL;
    auth->base = *base;
    if (!settings->jwks_url)
        return auth;
    auth->rules = (struct jwt_rules){text_of(settings->issuer), text_of(settings->audience), LEEWAY};
    auth->refresh.fire = refresh_due;
    auth->cache = token_cache_new(TOKENS_CACHED);
    if (auth->cache && (!keeper || timer_set(base->loop, &auth->refresh, base->loop->now)))
        return auth;
    auth_close(auth);
    return NULL;
}

void auth_close(struct auth *auth)
{
    if (!auth)
        return;
    timer_cancel(auth->base.loop, &auth->refresh);
    token_cache_free(auth->cache);
    jwt_keys_free(auth->keys);
    free(auth);
}

/* Every 401 names the scheme that is required (RFC 6750, section 3). */
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

/*
 * The text after `Bearer `, in any case (RFC 9110, section 11.1); the null text if there is no such prefix.
 */
static struct text bearer_token(struct text header)
{
    static const struct text scheme = {"Bearer ", 7};

    if (header.len <= scheme.len || !text_equal_folded((struct text){header.at, scheme.len}, scheme))
        return TEXT_NULL;
    return text_trimmed((struct text){header.at + scheme.len, header.len - scheme.len});
}

/* Compares in a time that does not depend on where they differ. */
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

/* RFC 6750, section 3.1: 403, and the header names what the token lacks. */
static enum auth_verdict refuse_scope(struct request *rq, const char *scope)
{
    char *header = arena_printf(&rq->arena, "Bearer error=\"insufficient_scope\", scope=\"%s\"", scope);
    char *message = arena_printf(&rq->arena, "The token lacks the scope %s", scope);

    if (header)
        reply_header(rq, "WWW-Authenticate", header);
    reply_member(rq, 403, "message", message ? message : "The token lacks a scope");
    return AUTH_REPLIED;
}

static enum auth_verdict pass(const struct auth *auth, struct request *rq, const struct jwt_claims *claims)
{
    const char *scope = rq->endpoint->scope;

    if (scope && !scope_has(claims->scope, text_of(scope)))
        return refuse_scope(rq, scope);
    rq->subject = claims->sub;
    rq->own_user_only = auth->base.settings->subject_scoped && !scope_has(claims->scope, ANY_USER);
    return AUTH_PASSED;
}

/* Takes over the key set that another worker has fetched. */
static void renew_keys(struct auth *auth)
{
    uint64_t generation;

    if (keyset_generation(auth->base.keyset) == auth->generation)
        return;
    struct jwt_keys *keys = keyset_copy(auth->base.keyset, &generation);
    if (!keys || generation <= auth->generation) { /* another request was faster while it was read */
        jwt_keys_free(keys);
        return;
    }
    jwt_keys_free(auth->keys);
    auth->keys = keys;
    auth->generation = generation;
}

static enum auth_verdict verify(struct auth *auth, struct request *rq, struct text token, bool may_refresh)
{
    int64_t now = clock_of_day().us / MOMENT_SECOND;
    struct jwt_claims claims;

    renew_keys(auth);
    if (!auth->keys)
        return cannot_know(rq);
    if (token_cache_find(auth->cache, token, auth->generation, &auth->rules, now, &rq->arena, &claims))
        return pass(auth, rq, &claims);
    switch (jwt_verify(auth->keys, &auth->rules, token, now, &rq->arena, &claims)) {
    case JWT_OK:
        token_cache_add(auth->cache, token, auth->generation, &claims);
        return pass(auth, rq, &claims);
    case JWT_EXPIRED:
        return refuse(rq, "Token has expired");
    case JWT_UNKNOWN_KEY:
        if (may_refresh && keyset_claim_fetch(auth->base.keyset, auth->base.loop->now))
            return AUTH_STALE;
        if (may_refresh && keyset_is_fetched(auth->base.keyset))
            return cannot_know(rq); /* the key may be in the set that another request waits for */
        return refuse(rq, "Invalid token");
    case JWT_INVALID:
        return refuse(rq, "Invalid token");
    case JWT_NO_MEMORY:
        break;
    }
    reply_unavailable(rq);
    return AUTH_REPLIED;
}

enum auth_verdict auth_check(struct auth *auth, struct request *rq, bool may_refresh)
{
    const struct auth_settings *s = auth->base.settings;
    bool of_user = endpoint_requires_token(rq->endpoint);
    bool of_service = rq->endpoint->flags & ENDPOINT_SERVICE;

    if (!of_user && !of_service && (!s->required || rq->endpoint->flags & ENDPOINT_OPEN))
        return AUTH_PASSED;
    if (of_service ? !s->service_token : !s->jwks_url) {
        reply_member(rq, 503, "message", "Authentication is not configured");
        return AUTH_REPLIED;
    }
    if (!rq->headers.authorization.at)
        return refuse(rq, "Authorization header missing");
    struct text token = bearer_token(rq->headers.authorization);
    if (!token.len)
        return refuse(rq, "Invalid token");
    if (!of_user && is_secret(token, s->service_token))
        return AUTH_PASSED;
    if (of_service)
        return refuse(rq, "Invalid token");
    return verify(auth, rq, token, may_refresh);
}

void auth_refresh(struct auth *auth, struct request *rq)
{
    int64_t until = fetch_deadline(&auth->base);

    /* A request may have much more time, and others with an unknown key are 503 meanwhile. */
    keyset_fetch(auth->base.keyset, auth->base.client, &rq->arena,
                 until < rq->deadline ? until : rq->deadline);
}

bool auth_require_user(struct request *rq, struct text user_id)
{
    if (!rq->own_user_only || (rq->subject.at && text_equal(rq->subject, user_id)))
        return true;
    reply_member(rq, 403, "message", "The token does not reach this user");
    return false;
}

bool auth_require_all_users(struct request *rq)
{
    if (!rq->own_user_only)
        return true;
    reply_member(rq, 403, "message", "The token does not reach all users");
    return false;
}
