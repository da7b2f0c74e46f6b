#include "tests/unit/support/database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ANSWER_MAX 8192
#define SQL_MAX    8192
#define DONE       "== done"

struct psql {
    pid_t pid;
    FILE *in, *out;
};

static char directory[64]; /* of a server of our own; empty: it is somebody else's */
static char database[64];
static struct psql *own_session;

/* Runs tools/postgres on our directory; what it prints comes to `out`. Returns its exit status. */
static int run_tool(const char *command, const char *setting, char *out, size_t size)
{
    int ends[2];
    size_t len = 0;
    int status;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execl("tools/postgres", "tools/postgres", command, directory, setting, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    for (ssize_t got = 1; got > 0 && len + 1 < size; len += got > 0 ? (size_t)got : 0)
        got = read(ends[0], out + len, size - 1 - len);
    out[len] = '\0';
    close(ends[0]);
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Takes PGHOST=… PGPORT=… PGUSER=… over, a line each. */
static void take_environment(char *lines)
{
    for (char *line = lines; *line;) {
        char *end = strchr(line, '\n');
        char *equals = strchr(line, '=');
        if (!end || !equals)
            return;
        *end = *equals = '\0';
        setenv(line, equals + 1, 1);
        line = end + 1;
    }
}

static bool start_server(void)
{
    char lines[1024];

    if (getenv("PGHOST") && getenv("PGPORT") && getenv("PGUSER"))
        return true;
    snprintf(directory, sizeof(directory), "/tmp/unit-postgres-XXXXXX");
    if (!mkdtemp(directory) || run_tool("start", "fsync=off", lines, sizeof(lines)) != 0)
        return false;
    take_environment(lines);
    return true;
}

int database_open(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN); /* connections are cut here, on purpose */
    if (!start_server())
        return -1;
    setenv("PGDATABASE", "postgres", 1);
    snprintf(database, sizeof(database), "unit_%d", (int)getpid());
    struct psql *psql = psql_open();
    psql_run(psql, "CREATE DATABASE %s", database);
    psql_close(psql);
    setenv("PGDATABASE", database, 1);
    own_session = psql_open();
    return 0;
}

int database_close(void **state)
{
    char nothing[1024];

    (void)state;
    psql_close(own_session);
    setenv("PGDATABASE", "postgres", 1);
    struct psql *psql = psql_open();
    psql_run(psql, "DROP DATABASE %s WITH (FORCE)", database);
    psql_close(psql);
    if (!directory[0])
        return 0;
    int status = run_tool("remove", NULL, nothing, sizeof(nothing));
    return rmdir(directory) == 0 ? status : -1;
}

const char *database_url(int port)
{
    static char url[256];

    if (port)
        snprintf(url, sizeof(url),
                 "postgresql:///%s?host=127.0.0.1&port=%d&user=%s&sslmode=disable&gssencmode=disable",
                 database, port, getenv("PGUSER"));
    else
        snprintf(url, sizeof(url), "postgresql:///%s?host=%s&port=%s&user=%s", database, getenv("PGHOST"),
                 getenv("PGPORT"), getenv("PGUSER"));
    return url;
}

int database_connect(void)
{
    const char *host = getenv("PGHOST"), *port = getenv("PGPORT");
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *info = NULL;
    int fd;

    assert_true(host && port);
    if (host && host[0] == '/') {
        snprintf(local.sun_path, sizeof(local.sun_path), "%s/.s.PGSQL.%s", host, port);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&local, sizeof(local)), 0);
        return fd;
    }
    assert_int_equal(getaddrinfo(host, port, &hints, &info), 0);
    fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, info->ai_addr, info->ai_addrlen), 0);
    freeaddrinfo(info);
    return fd;
}

struct psql *psql_open(void)
{
    struct psql *psql = calloc(1, sizeof(*psql));
    int in[2], out[2];

    assert_non_null(psql);
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    psql->pid = fork();
    if (psql->pid == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        execlp("psql", "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    psql->in = fdopen(in[1], "w");
    psql->out = fdopen(out[0], "r");
    psql_run(psql, "SET client_min_messages = warning");
    return psql;
}

void psql_close(struct psql *psql)
{
    if (!psql)
        return;
    fclose(psql->in);
    fclose(psql->out);
    waitpid(psql->pid, NULL, 0);
    free(psql);
}

__attribute__((format(printf, 2, 0))) static const char *run_list(struct psql *psql, const char *format,
                                                                  va_list args)
{
    static char answer[ANSWER_MAX];
    char statement[SQL_MAX];
    char line[ANSWER_MAX];
    size_t len = 0;

    assert_true((size_t)vsnprintf(statement, sizeof(statement), format, args) < sizeof(statement));
    fprintf(psql->in, "%s;\n\\echo '" DONE "'\n", statement);
    fflush(psql->in);
    answer[0] = '\0';
    for (;;) {
        if (!fgets(line, sizeof(line), psql->out))
            fail_msg("psql gave up at: %s", statement);
        if (strcmp(line, DONE "\n") == 0)
            break;
        len += (size_t)snprintf(answer + len, sizeof(answer) - len, "%s", line);
        assert_true(len < sizeof(answer));
    }
    if (len)
        answer[len - 1] = '\0';
    return answer;
}

const char *psql_run(struct psql *psql, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const char *answer = run_list(psql, format, args);
    va_end(args);
    return answer;
}

const char *sql(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const char *answer = run_list(own_session, format, args);
    va_end(args);
    return answer;
}

long sql_number(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const char *answer = run_list(own_session, format, args);
    va_end(args);
    return strtol(answer, NULL, 10);
}
