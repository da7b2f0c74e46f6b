#include "common/serve/daemon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/auth/keyset.h"
#include "common/base/budget.h"
#include "common/base/declare.h"
#include "common/base/log.h"
#include "common/base/sandbox.h"
#include "common/base/supervisor.h"
#include "common/http/client.h"
#include "common/http/server.h"
#include "common/openapi/document.h"
#include "common/pg/keeper.h"
#include "common/pg/listing.h"
#include "common/pg/metrics.h"
#include "common/pg/pg.h"
#include "common/pg/session.h"
#include "common/serve/settings_read.h"
#include "common/serve/worker.h"
#include "common/serve/worker_run.h"
#include "common/table/router.h"

#define BACKLOG       4096 /* connections that wait to be accepted; the kernel's somaxconn may limit it further */
#define HEALTH_WAIT_S 3 /* seconds that a health check waits */
#define ADDRESS_TEXT  128
#define END_WAIT_MS   5000        /* for what follows the last request: threads and connections end */
#define MMAP_FROM     (128 << 10) /* bytes: blocks of this size or larger are mapped separately */

enum { EXIT_BAD_SETTING = 2 };

/* A numeric address and a port, to be freed with freeaddrinfo; NULL if the address is not one. */
static struct addrinfo *resolve(const char *address, int64_t port)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *info = NULL;
    char service[8];

    snprintf(service, sizeof(service), "%d", (int)port);
    return getaddrinfo(address, service, &hints, &info) == 0 ? info : NULL;
}

/* Opens a listening socket; *port becomes the port that the kernel chose. -1 after a line on stderr. */
static int listen_on(const char *address, int64_t *port)
{
    struct addrinfo *info = resolve(address, *port);
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } bound = {0};
    socklen_t len = sizeof(bound);
    int one = 1;

    if (!info) {
        fprintf(stderr, "cannot listen on %s: it cannot be resolved\n", address);
        return -1;
    }
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool listens = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
                   setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) == 0 &&
                   bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0 &&
                   getsockname(fd, &bound.any, &len) == 0;
    freeaddrinfo(info);
    if (!listens) {
        fprintf(stderr, "cannot listen on %s port %d: %s\n", address, (int)*port, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    *port = ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port);
    return fd;
}

/* Whether no other process uses the port: only our own workers may share it. */
static bool port_is_free(const char *address, int64_t port)
{
    struct addrinfo *info = port ? resolve(address, port) : NULL;
    int one = 1;

    if (!info)
        return true; /* listen_on reports it */
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_free = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
                   bind(fd, info->ai_addr, info->ai_addrlen) == 0;
    if (!is_free)
        fprintf(stderr, "cannot listen on %s port %d: %s\n", address, (int)port, strerror(errno));
    if (fd >= 0)
        close(fd);
    freeaddrinfo(info);
    return is_free;
}

static int check_health(const struct settings *settings)
{
    static const char request[] = "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    struct timeval wait = {.tv_sec = HEALTH_WAIT_S};
    struct addrinfo *info = resolve(settings->bind_address, settings->port);
    char answer[16] = "";
    int fd = info ? socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;

    /* For the address that means all (0.0.0.0, ::), Linux connects to loopback. */
    bool healthy = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
                   setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0 &&
                   connect(fd, info->ai_addr, info->ai_addrlen) == 0 &&
                   send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) == (ssize_t)sizeof(request) - 1 &&
                   recv(fd, answer, 12, MSG_WAITALL) == 12 && memcmp(answer, "HTTP/1.1 200", 12) == 0;
    if (fd >= 0)
        close(fd);
    if (info)
        freeaddrinfo(info);
    return healthy ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        log_line(LOG_WARNING, "the limit of open files cannot be raised", NULL);
}

/*
 * SIGTERM and SIGINT end the daemon; SIGHUP changes nothing; writing to a closed connection is an error of
 * the write, not a signal.
 */
static void block_signals(sigset_t *awaited)
{
    sigemptyset(awaited);
    sigaddset(awaited, SIGTERM);
    sigaddset(awaited, SIGINT);
    sigaddset(awaited, SIGHUP);
    pthread_sigmask(SIG_BLOCK, awaited, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void await_end(const sigset_t *awaited)
{
    int signal_number;

    do
        signal_number = sigwaitinfo(awaited, NULL);
    while (signal_number < 0 || signal_number == SIGHUP);
    log_line(LOG_INFO, "stopping", "signal", signal_number == SIGTERM ? "SIGTERM" : "SIGINT", NULL);
}

/* A service manager kills after a time of its own, which knows nothing of SHUTDOWN_TIMEOUT_MS. */
static void ask_for_time_to_stop(const struct settings *settings)
{
    char state[80];

    snprintf(state, sizeof(state), "STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld",
             (long long)(settings->shutdown_timeout + END_WAIT_MS) * 1000);
    if (!supervisor_tell(state))
        log_line(LOG_WARNING, "the supervisor cannot be told of the end", NULL);
}

static bool start_workers(struct worker *workers, size_t count, struct settings *settings,
                          const struct api *api, const struct router *router, struct keyset *keyset,
                          struct text document)
{
    for (size_t i = 0; i < count; i++) {
        workers[i] = (struct worker){.settings = settings,
                                     .api = api,
                                     .router = router,
                                     .keyset = keyset,
                                     .openapi = document,
                                     .all = workers};
        int listener = listen_on(settings->bind_address, &settings->port);
        if (listener < 0 || !worker_open(&workers[i], listener, i == 0))
            return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]) != 0) {
            log_line(LOG_ERROR, "a worker cannot start", "reason", "no thread", NULL);
            return false;
        }
    }
    return true;
}

static int serve(const struct api *api, struct settings *settings, struct text document)
{
    size_t count = (size_t)settings->workers;
    struct worker *workers = calloc(count, sizeof(*workers));
    struct router *router = router_open(api);
    struct keyset *keyset = keyset_new(&settings->auth);
    sigset_t awaited;

    block_signals(&awaited);
    raise_descriptor_limit();
    budget_set_limit((size_t)settings->memory_limit);
    client_prepare_library();
    mallopt(M_MMAP_THRESHOLD, MMAP_FROM); /* freed blocks of that size always go back to the kernel */
    shape_set_limits(&(struct shape_limits){(size_t)settings->string_limit, (size_t)settings->list_limit});
    if (!workers || !router || !keyset || !port_is_free(settings->bind_address, settings->port) ||
        !start_workers(workers, count, settings, api, router, keyset, document)) {
        fflush(stdout);
        _exit(EXIT_FAILURE); /* threads may already be running; nothing was served yet */
    }
    bool v6 = strchr(settings->bind_address, ':');
    printf("listening on http://%s%s%s:%d\n", v6 ? "[" : "", settings->bind_address, v6 ? "]" : "",
           (int)settings->port);
    fflush(stdout);
    log_line(LOG_INFO, "listening", "address", settings->bind_address, "libmicrohttpd",
             http_library_version(), NULL);
    struct keeper *keeper =
        keeper_start(&(struct keeper_task){.url = settings->pg.url,
                                           .name = api->name,
                                           .schema = api->schema,
                                           .session_settings = settings->pg.prepared_statements,
                                           .ready = session_schema_ready,
                                           .waiting = &workers->pg_metrics->schema_steps});
    await_end(&awaited);
    ask_for_time_to_stop(settings);
    for (size_t i = 0; i < count; i++)
        worker_stop(&workers[i]);
    for (size_t i = 0; i < count; i++)
        pthread_join(workers[i].thread, NULL);
    keeper_stop(keeper);
    for (size_t i = 0; i < count; i++)
        metrics_close(&workers[i].metrics);
    router_close(router);
    keyset_free(keyset);
    free(workers);
    return EXIT_SUCCESS;
}

/* Gives up what the daemon never needs; a kernel that lacks a part of it is no reason not to serve. */
static void enter_sandbox(void)
{
    bool without_dumps = sandbox_refuse_dumps();
    struct sandbox sandbox = sandbox_enter();

    if (!without_dumps)
        log_line(LOG_WARNING, "core dumps cannot be refused", NULL);
    if (!sandbox.calls || !sandbox.landlock)
        log_line(LOG_WARNING, "the sandbox is not complete", "system calls",
                 sandbox.calls ? "filtered" : "not filtered", "Landlock",
                 sandbox.landlock ? "there" : "not there", NULL);
}

/* The exit status after printing: a full disk cuts off what a script would take for the whole. */
static int end_printing(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_SUCCESS;
    fprintf(stderr, "not everything could be printed\n");
    return EXIT_FAILURE;
}

int daemon_main(const struct api *api, int argc, char **argv)
{
    static struct settings settings;
    struct arena memory = {0};
    struct text document;
    int status = EXIT_SUCCESS;
    enum settings_status asked = settings_read(&settings, api, argc, argv);

    switch (asked) {
    case SETTINGS_PRINTED:
        return end_printing();
    case SETTINGS_BAD:
        return ferror(stdout) ? end_printing() : EXIT_BAD_SETTING;
    case SETTINGS_HEALTH_CHECK:
        return check_health(&settings);
    case SETTINGS_STATEMENTS:
        listing_print(stdout, &settings.pg);
        return end_printing();
    case SETTINGS_OPENAPI:
    case SETTINGS_READY:
        break;
    }
    log_start(api->name, (enum log_level)settings.log.level);
    if (settings.sandbox && asked == SETTINGS_READY)
        enter_sandbox();
    document = openapi_document(&memory, api);
    if (!document.at) {
        fprintf(stderr, "no memory for the OpenAPI document\n");
        status = EXIT_FAILURE;
    } else if (asked == SETTINGS_OPENAPI) {
        printf("%.*s\n", (int)document.len, document.at);
        status = end_printing();
    } else if (settings.command) {
        status = settings.command->run(&settings, api);
    } else {
        status = serve(api, &settings, document);
    }
    arena_free(&memory);
    return status;
}
