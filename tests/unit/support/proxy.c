#include "tests/unit/support/proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <endian.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/support/database.h"

#define PAIRS_MAX   32
#define BUFFER_SIZE (1 << 20)
#define TICK        20    /* milliseconds between two looks at `stopping` */
#define LATE        50000 /* microseconds of PROXY_LATE_READY */

/* One direction of a connection: whole messages are taken out of what has arrived. */
struct stream {
    int fd;
    size_t len;
    char bytes[BUFFER_SIZE];
};

struct pair {
    struct stream client, server; /* what comes from them; fd < 0: gone */
    bool started;                 /* the startup message, which has no type, is through */
    bool writes;                  /* a Flush came: the next Sync commits */
    bool muted, hides_results, awaits_commit, failed;
};

static struct pair *pairs[PAIRS_MAX];
static int listener;
static pthread_t thread;
static atomic_bool stopping;
static _Atomic enum proxy_fault wanted;
static atomic_int left;
static atomic_bool deaf; /* until the next fault is set */

void proxy_set(enum proxy_fault fault, int times)
{
    wanted = fault;
    left = times;
    deaf = false;
}

int proxy_left(void)
{
    return left;
}

/* Whether this is an occasion for the fault; uses it up. */
static bool now(enum proxy_fault fault)
{
    if (wanted != fault || left <= 0)
        return false;
    left--;
    return true;
}

static void pass(int fd, const char *bytes, size_t len)
{
    while (fd >= 0 && len) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        bytes += sent;
        len -= (size_t)sent;
    }
}

static void hang_up(struct stream *stream)
{
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
}

static void say_fatal(int fd)
{
    static const char body[] = "SFATAL\0VFATAL\0C08P01\0Mserver conn crashed?\0";
    uint32_t size = htobe32(sizeof(body) + 4);

    pass(fd, "E", 1);
    pass(fd, (const char *)&size, 4);
    pass(fd, body, sizeof(body));
}

static void from_client(struct pair *p, const char *message, size_t len)
{
    char type = p->started ? *message : 0;

    p->started = true;
    if (type == 'H') {
        p->writes = true;
        if (now(PROXY_CUT_BEFORE_RUN)) {
            hang_up(&p->client);
            hang_up(&p->server);
            return;
        }
        p->hides_results = now(PROXY_CUT_RESULTS);
    }
    if (type == 'Q' && now(PROXY_MUTE_AT_SETUP))
        p->muted = true;
    bool commits = type == 'S' && p->writes;
    if (commits && now(PROXY_CUT_BEFORE_SYNC)) {
        hang_up(&p->client);
        hang_up(&p->server);
        return;
    }
    if (deaf)
        return;
    pass(p->server.fd, message, len);
    if (!commits)
        return;
    p->writes = false;
    enum proxy_fault fault = wanted;
    if (fault == PROXY_LEAVE_AFTER_SYNC && now(fault))
        hang_up(&p->client);
    else if (fault != PROXY_NONE && fault != PROXY_LATE_READY && fault != PROXY_MUTE_AT_SETUP && left > 0 &&
             p->client.fd >= 0)
        p->awaits_commit = true;
}

static void from_server(struct pair *p, const char *message, size_t len)
{
    if (p->muted)
        return;
    if (p->hides_results) {
        hang_up(&p->client);
        hang_up(&p->server);
        return;
    }
    if (p->awaits_commit) {
        if (*message != 'Z')
            return;
        p->awaits_commit = false;
        if (now(PROXY_MUTE_AFTER_SYNC)) {
            p->muted = true;
            return;
        }
        if (now(PROXY_FATAL_AFTER_SYNC))
            say_fatal(p->client.fd);
        else if (now(PROXY_DEAF_AFTER_SYNC))
            deaf = true;
        else
            now(PROXY_CUT_AFTER_SYNC);
        hang_up(&p->client);
        hang_up(&p->server);
        return;
    }
    if (*message == 'E')
        p->failed = true;
    if (*message == 'Z' && p->failed) {
        p->failed = false;
        if (now(PROXY_LATE_READY))
            usleep(LATE);
    }
    pass(p->client.fd, message, len);
}

/* Takes what has arrived, and hands whole messages on. */
static void take(struct pair *p, struct stream *s, void (*hand_on)(struct pair *, const char *, size_t))
{
    ssize_t got = recv(s->fd, s->bytes + s->len, sizeof(s->bytes) - s->len, 0);
    struct stream *other = s == &p->client ? &p->server : &p->client;
    size_t at = 0;

    if (got <= 0) {
        hang_up(s);
        hang_up(other);
        return;
    }
    s->len += (size_t)got;
    while (s->fd >= 0) {
        bool typed = s == &p->server || p->started;
        size_t header = typed ? 5 : 4;
        uint32_t size;
        if (s->len - at < header)
            break;
        memcpy(&size, s->bytes + at + header - 4, 4);
        size_t whole = be32toh(size) + header - 4;
        if (s->len - at < whole)
            break;
        hand_on(p, s->bytes + at, whole);
        at += whole;
    }
    memmove(s->bytes, s->bytes + at, s->len - at);
    s->len -= at;
}

static void accept_pair(void)
{
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    for (size_t i = 0; client >= 0 && i < PAIRS_MAX; i++) {
        if (pairs[i]->client.fd >= 0 || pairs[i]->server.fd >= 0)
            continue;
        memset(pairs[i], 0, offsetof(struct pair, client.bytes));
        pairs[i]->server.len = 0;
        pairs[i]->started = pairs[i]->writes = pairs[i]->muted = pairs[i]->hides_results = false;
        pairs[i]->awaits_commit = pairs[i]->failed = false;
        pairs[i]->client.fd = client;
        pairs[i]->server.fd = database_connect();
        return;
    }
    close(client);
}

static void *serve(void *unused)
{
    struct pollfd polls[1 + 2 * PAIRS_MAX];

    while (!stopping) {
        polls[0] = (struct pollfd){.fd = listener, .events = POLLIN};
        for (size_t i = 0; i < PAIRS_MAX; i++) {
            polls[1 + 2 * i] = (struct pollfd){.fd = pairs[i]->client.fd, .events = POLLIN};
            polls[2 + 2 * i] = (struct pollfd){.fd = pairs[i]->server.fd, .events = POLLIN};
        }
        if (poll(polls, 1 + 2 * PAIRS_MAX, TICK) <= 0)
            continue;
        for (size_t i = 0; i < PAIRS_MAX; i++) {
            if (polls[1 + 2 * i].revents && pairs[i]->client.fd >= 0)
                take(pairs[i], &pairs[i]->client, from_client);
            if (polls[2 + 2 * i].revents && pairs[i]->server.fd >= 0)
                take(pairs[i], &pairs[i]->server, from_server);
        }
        if (polls[0].revents)
            accept_pair();
    }
    return unused;
}

int proxy_open(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);

    stopping = false;
    proxy_set(PROXY_NONE, 0);
    for (size_t i = 0; i < PAIRS_MAX; i++) {
        pairs[i] = calloc(1, sizeof(*pairs[i]));
        assert_non_null(pairs[i]);
        pairs[i]->client.fd = pairs[i]->server.fd = -1;
    }
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(listener, PAIRS_MAX), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
    return ntohs(at.sin_port);
}

void proxy_close(void)
{
    stopping = true;
    pthread_join(thread, NULL);
    close(listener);
    for (size_t i = 0; i < PAIRS_MAX; i++) {
        hang_up(&pairs[i]->client);
        hang_up(&pairs[i]->server);
        free(pairs[i]);
    }
}
