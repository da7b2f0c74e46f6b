#include "common/auth/keyset.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/auth/settings.h"
#include "common/base/log.h"
#include "common/base/loop.h"
#include "common/http/client.h"

struct keyset {
    const struct auth_settings *settings;
    _Atomic uint64_t generation;
    _Atomic int64_t claimed_at; /* of keyset_claim_fetch; monotonic, 0: never */
    _Atomic unsigned fetches;   /* that have not ended */
    pthread_mutex_t lock;       /* of the members below; held for the copy of a few kilobytes */
    char *bytes;
    size_t len;
};

struct keyset *keyset_new(const struct auth_settings *settings)
{
    struct keyset *keyset = calloc(1, sizeof(*keyset));

    if (!keyset)
        return NULL;
    keyset->settings = settings;
    pthread_mutex_init(&keyset->lock, NULL);
    return keyset;
}

void keyset_free(struct keyset *keyset)
{
    if (!keyset)
        return;
    pthread_mutex_destroy(&keyset->lock);
    free(keyset->bytes);
    free(keyset);
}

uint64_t keyset_generation(struct keyset *keyset)
{
    return atomic_load(&keyset->generation);
}

struct jwt_keys *keyset_copy(struct keyset *keyset, uint64_t *generation)
{
    const char *reason;
    struct jwt_keys *keys = NULL;

    pthread_mutex_lock(&keyset->lock);
    *generation = atomic_load(&keyset->generation);
    size_t len = keyset->len;
    char *bytes = keyset->bytes ? malloc(len + 1) : NULL; /* not of size 0 */
    if (bytes)
        memcpy(bytes, keyset->bytes, len);
    pthread_mutex_unlock(&keyset->lock); /* parsing may wait */
    if (bytes)
        keys = jwt_keys_parse((struct text){bytes, len}, &reason);
    free(bytes);
    return keys;
}

bool keyset_claim_fetch(struct keyset *keyset, int64_t now)
{
    int64_t last = atomic_load(&keyset->claimed_at);

    return (last == 0 || now - last >= KEYSET_PAUSE_S * SECOND) &&
           atomic_compare_exchange_strong(&keyset->claimed_at, &last, now);
}

bool keyset_is_fetched(struct keyset *keyset)
{
    return atomic_load(&keyset->fetches) > 0;
}

/* Reads a small regular file into the arena; NULL, or the reason of a failure. */
static const char *read_file(struct arena *arena, const char *path, struct text *bytes)
{
    char *room = arena_alloc(arena, JWT_SET_LIMIT + 1);
    int fd = room ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
    struct stat info;
    size_t len = 0;
    ssize_t got = 1;

    if (!room)
        return "no memory";
    if (fd < 0)
        return strerror(errno);
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(fd);
        return "it is not a file";
    }
    while (len <= JWT_SET_LIMIT && (got = read(fd, room + len, JWT_SET_LIMIT + 1 - len)) > 0)
        len += (size_t)got;
    const char *reason = got < 0 ? strerror(errno) : NULL;
    close(fd);
    *bytes = (struct text){room, len};
    return reason;
}

/* The path of a `file:` URL (RFC 8089: file:///path, file:/path), or a path by itself; NULL: another URL. */
static const char *file_path(const char *url)
{
    if (strncmp(url, "file://localhost/", 17) == 0)
        return url + 16;
    if (strncmp(url, "file:///", 8) == 0)
        return url + 7;
    if (strncmp(url, "file:", 5) == 0)
        return url + 5;
    return url[0] == '/' ? url : NULL;
}

static const char *get_over_https(const struct auth_settings *settings, struct client *client,
                                  struct arena *arena, int64_t deadline, struct text *bytes)
{
    struct client_call call = {.arena = arena,
                               .method = "GET",
                               .url = settings->jwks_url,
                               .answer_limit = JWT_SET_LIMIT,
                               .connect_timeout = settings->fetch_timeout,
                               .ca_file = settings->ca_file,
                               .deadline = deadline};

    client_header(&call, "Accept", "application/json");
    if (!client_run(client, &call))
        return "there is no answer";
    if (call.status != 200)
        return "the answer is not 200";
    *bytes = call.answer.at ? call.answer : TEXT("");
    return NULL;
}

/* Takes over bytes that are a valid set and differ from the last one. */
static const char *take(struct keyset *keyset, struct text bytes)
{
    const char *reason = NULL;
    struct jwt_keys *keys = jwt_keys_parse(bytes, &reason);

    if (!keys || !bytes.at)
        return reason;
    jwt_keys_free(keys);
    char *copy = malloc(bytes.len + 1); /* not of size 0 */
    if (!copy)
        return "no memory";
    memcpy(copy, bytes.at, bytes.len);
    pthread_mutex_lock(&keyset->lock);
    char *last = keyset->bytes;
    bool same = last && text_equal((struct text){last, keyset->len}, bytes);
    if (!same) {
        keyset->bytes = copy;
        keyset->len = bytes.len;
        atomic_fetch_add(&keyset->generation, 1);
    }
    pthread_mutex_unlock(&keyset->lock);
    free(same ? copy : last);
    if (!same)
        log_line(LOG_INFO, "the key set is new", NULL);
    return NULL;
}

void keyset_fetch(struct keyset *keyset, struct client *client, struct arena *arena, int64_t deadline)
{
    const char *url = keyset->settings->jwks_url;
    const char *path = file_path(url);
    struct text bytes = TEXT_NULL;

    atomic_fetch_add(&keyset->fetches, 1);
    const char *reason = path ? read_file(arena, path, &bytes)
                              : get_over_https(keyset->settings, client, arena, deadline, &bytes);
    if (!reason)
        reason = take(keyset, bytes);
    atomic_fetch_sub(&keyset->fetches, 1);
    if (reason)
        log_line(LOG_WARNING, "cannot fetch the key set", "url", url, "reason", reason, NULL);
}
