#include "common/serve/settings.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/declare.h"
#include "common/table/api.h"

#define AUTH_URL_MAX      512            /* bytes of an address made from AUTH0_DOMAIN */
#define WORKERS_MOST      4              /* by default */
#define NAME_MAX_LENGTH   64             /* of a setting's name and its flag */
#define SERVICE_TOKEN_MIN 16             /* bytes: what is shorter can be guessed */
#define SECRET_MAX        ((size_t)8192) /* bytes of a secret's file */

#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:"
#define DOMAIN_MAX      255 /* bytes (RFC 1035, section 2.3.4) */

enum setting_type { SETTING_INT, SETTING_TEXT, SETTING_SWITCH, SETTING_LEVEL };

struct setting {
    const char *name;
    enum setting_type type;
    size_t at;
    int64_t min, max;
    const char *fallback; /* NULL: the service's own port, or nothing */
    bool secret;
    const char *help;
};

#define AT(member) offsetof(struct settings, member)

static const struct setting table[] = {
    {"PORT", SETTING_INT, AT(port), 0, 65535, NULL, false, "TCP port; 0 takes any free one"},
    {"BIND_ADDRESS", SETTING_TEXT, AT(bind_address), 0, 0, "127.0.0.1", false,
     "IPv4 or IPv6 address to listen on"},
    {"DATABASE_URL", SETTING_TEXT, AT(pg.url), 0, 0, NULL, true,
     "libpq URI of the service's own database; several hosts allowed"},
    {"DATABASE_READ_URL", SETTING_TEXT, AT(pg.read_url), 0, 0, NULL, true,
     "where reports and lists are read, which may lag: a replica, then the primary for when it is away; "
     "DATABASE_URL where this is not given"},
    {"PREPARED_STATEMENTS", SETTING_SWITCH, AT(pg.prepared_statements), 0, 0, "on", false,
     "off: statements are sent unnamed and sessions are left as they are, for a PgBouncer older than 1.21"},
    {"USER_PROGRESS_SERVICE_URL", SETTING_TEXT, AT(directory.user_progress_url), 0, 0,
     "http://127.0.0.1:8004", false, "where User Progress answers"},
    {"WORKERS", SETTING_INT, AT(workers), 0, WORKERS_MAX, "0", false,
     "worker threads, each with its own loop and connections; 0: one a processor, 4 at the most; half of "
     "that in"
     " services that ask User Progress"},
    {"LOG_LEVEL", SETTING_LEVEL, AT(log.level), 0, 0, "info", false,
     "debug, info, warning or error; info has a line for every request"},
    {"SLOW_REQUEST_MS", SETTING_INT, AT(watch.slow_request), 1, 600000, "1000", false,
     "a request that took as long is warned of in the log"},
    {"SERVER_TIMING", SETTING_SWITCH, AT(http.server_timing), 0, 0, "off", false,
     "answers tell in a Server-Timing header where their time went"},
    {"CORS_ORIGINS", SETTING_TEXT, AT(http.cors_origins), 0, 0, "*", false,
     "origins that browsers may call from, separated by commas; * is any"},
    {"AUTH_JWKS_URL", SETTING_TEXT, AT(auth.jwks_url), 0, 0, NULL, false,
     "where the key set of the tokens is: https://… or file:…; without it the progress log answers 503"},
    {"AUTH_ISSUER", SETTING_TEXT, AT(auth.issuer), 0, 0, NULL, false, "the `iss` of good tokens"},
    {"AUTH_AUDIENCE", SETTING_TEXT, AT(auth.audience), 0, 0, NULL, false,
     "what the `aud` of good tokens names"},
    {"AUTH0_DOMAIN", SETTING_TEXT, AT(auth.auth0_domain), 0, 0, NULL, false,
     "a tenant: stands for the key set https://it/.well-known/jwks.json and the issuer https://it/"},
    {"AUTH_CA_FILE", SETTING_TEXT, AT(auth.ca_file), 0, 0, NULL, false,
     "certificates (PEM) that the key set's server may be signed by, instead of the system's"},
    {"AUTH_REQUIRED", SETTING_SWITCH, AT(auth.required), 0, 0, "off", false,
     "on: every call asks a token, save /, the documentation and the health"},
    {"AUTH_SUBJECT_SCOPED", SETTING_SWITCH, AT(auth.subject_scoped), 0, 0, "off", false,
     "on: in the progress log a token reaches only the user that its `sub` names, unless its `scope` has "
     "progress:any (403)"},
    {"SERVICE_TOKEN", SETTING_TEXT, AT(auth.service_token), 0, 0, NULL, true,
     "what the services show each other where AUTH_REQUIRED is on; at least 16 characters"},
    {"USER_SVC_BASE_URL", SETTING_TEXT, AT(directory.user_service_url), 0, 0, NULL, false,
     "where the progress log asks for users, as GET URL/{user_id}; without it in its own table"},
    {"BODY_LIMIT", SETTING_INT, AT(http.body_limit), 1024, 64 << 20, "1048576", false,
     "bytes of a request's body (413)"},
    {"HEADER_LIMIT", SETTING_INT, AT(http.header_limit), 1024, 64 << 10, "32768", false,
     "bytes of a request's header block (431)"},
    {"URL_LIMIT", SETTING_INT, AT(http.url_limit), 256, 64 << 10, "8192", false,
     "bytes of a request's target (414)"},
    {"STRING_LIMIT", SETTING_INT, AT(string_limit), 1, 16 << 20, "65536", false,
     "code points of a string whose field has no smaller limit (422)"},
    {"LIST_LIMIT", SETTING_INT, AT(list_limit), 1, 1000000, "10000", false, "items of a list (422)"},
    {"CONNECTION_LIMIT", SETTING_INT, AT(http.connection_limit), 16, 1000000, "10000", false,
     "open connections of clients; more wait to be accepted"},
    {"REQUEST_LIMIT", SETTING_INT, AT(request_limit), 1, 100000, "4096", false,
     "requests that a worker has in flight (503)"},
    {"QUEUE_LIMIT", SETTING_INT, AT(pg.queue_limit), 1, 100000, "2048", false,
     "statements that wait for a kind of connection, a worker (503)"},
    {"BATCH_LIMIT", SETTING_INT, AT(pg.batch_limit), 1, 1024, "256", false, "statements of one batch"},
    {"READ_CONNECTIONS", SETTING_INT, AT(pg.read_connections), 1, 16, "2", false,
     "connections for short reads, a worker"},
    {"APPEND_CONNECTIONS", SETTING_INT, AT(pg.append_connections), 1, 16, "1", false,
     "connections for inserts in batches, a worker"},
    {"CHANGE_CONNECTIONS", SETTING_INT, AT(pg.change_connections), 1, 64, "4", false,
     "connections for updates and deletes, each a transaction of its own, a worker"},
    {"REPORT_CONNECTIONS", SETTING_INT, AT(pg.report_connections), 1, 16, "2", false,
     "connections for aggregates and long lists, a worker"},
    {"LOOKUP_CONNECTIONS", SETTING_INT, AT(client.connections), 1, 256, "16", false,
     "connections to other services, a worker"},
    {"LOOKUP_CONNECT_TIMEOUT_MS", SETTING_INT, AT(client.connect_timeout), 10, 60000, "200", false,
     "another service takes a connection within this time (503)"},
    {"LOOKUP_TIMEOUT_MS", SETTING_INT, AT(directory.timeout), 10, 60000, "1000", false,
     "another service has answered by then (503)"},
    {"REQUEST_TIMEOUT_MS", SETTING_INT, AT(request_timeout), 50, 600000, "3000", false,
     "a request is answered within this time (503)"},
    {"REPORT_TIMEOUT_MS", SETTING_INT, AT(report_timeout), 50, 600000, "15000", false,
     "the same for aggregates and long lists"},
    {"HEADER_TIMEOUT_MS", SETTING_INT, AT(http.header_timeout), 50, 600000, "5000", false,
     "a request's header is here by then, else the connection is closed"},
    {"BODY_TIMEOUT_MS", SETTING_INT, AT(http.body_timeout), 50, 600000, "10000", false,
     "a request's body is here by then, else the connection is closed"},
    {"WRITE_TIMEOUT_MS", SETTING_INT, AT(http.write_timeout), 50, 600000, "30000", false,
     "an answer is taken by then, else the connection is closed"},
    {"KEEPALIVE_TIMEOUT_MS", SETTING_INT, AT(http.keepalive_timeout), 1000, 3600000, "75000", false,
     "an idle connection is closed after this time"},
    {"SHUTDOWN_TIMEOUT_MS", SETTING_INT, AT(shutdown_timeout), 100, 600000, "4000", false,
     "what is in flight at SIGTERM has this long to end"},
};

#define SETTING_COUNT COUNT(table)

static const char *const levels[] = {"debug", "info", "warning", "error"};

static bool bad(const char *name, const char *value, const char *why)
{
    fprintf(stderr, "bad setting %s: %s%s%s%s\n", name, value ? "\"" : "", value ? value : "",
            value ? "\" " : "", why);
    return false;
}

static const char *default_of(const struct setting *s, const struct api *api, char room[static 24])
{
    if (s->at != AT(port))
        return s->fallback;
    snprintf(room, 24, "%d", api->port);
    return room;
}

static bool assign_int(const struct setting *s, const char *value, int64_t *into)
{
    char *end;
    char why[80];

    errno = 0;
    long long n = strtoll(value, &end, 10);
    if (errno == 0 && end != value && *end == '\0' && n >= s->min && n <= s->max) {
        *into = n;
        return true;
    }
    snprintf(why, sizeof(why), "is not a whole number from %lld to %lld", (long long)s->min,
             (long long)s->max);
    return bad(s->name, value, why);
}

static bool assign(struct settings *settings, const struct setting *s, const char *value)
{
    void *into = (char *)settings + s->at;

    switch (s->type) {
    case SETTING_TEXT:
        *(const char **)into = value;
        return true;
    case SETTING_INT:
        return assign_int(s, value, into);
    case SETTING_SWITCH:
        if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
            return bad(s->name, value, "is neither on nor off");
        *(bool *)into = strcmp(value, "on") == 0;
        return true;
    case SETTING_LEVEL:
        for (size_t i = 0; i < COUNT(levels); i++) {
            if (strcmp(value, levels[i]) == 0) {
                *(int64_t *)into = (int64_t)i;
                return true;
            }
        }
        return bad(s->name, value, "is none of debug, info, warning, error");
    }
    return false;
}

/* A secret's file without the line end; lives as long as the process. NULL after a complaint. */
static const char *secret_from_file(const char *name, const char *path)
{
    static char secrets[SETTING_COUNT][SECRET_MAX + 1];
    static size_t used;
    char *secret = secrets[used++];
    FILE *file = fopen(path, "re");

    if (!file) {
        bad(name, path, strerror(errno));
        return NULL;
    }
    size_t len = fread(secret, 1, SECRET_MAX + 1, file);
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed || len > SECRET_MAX) {
        bad(name, path, failed ? "cannot be read" : "is larger than 8192 bytes");
        return NULL;
    }
    while (len && (secret[len - 1] == '\n' || secret[len - 1] == '\r'))
        len--;
    secret[len] = '\0';
    return secret;
}

/* A variable of the environment; NULL where it is not set or blank, as a template with no value leaves it. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value && value[strspn(value, " \t")] ? value : NULL;
}

static bool read_environment(struct settings *settings, const struct setting *s, const struct api *api)
{
    char file_name[NAME_MAX_LENGTH + 8];
    char room[24];
    const char *value = variable(s->name);

    snprintf(file_name, sizeof(file_name), "%s_FILE", s->name);
    const char *path = s->secret ? variable(file_name) : NULL;
    if (path) {
        if (value)
            return bad(file_name, NULL, "and the setting itself are both given");
        value = secret_from_file(file_name, path);
        if (!value)
            return false;
    }
    if (!value) {
        const char *fallback = default_of(s, api, room);
        if (!fallback)
            return true;
        if (s->type == SETTING_TEXT) {
            *(const char **)((char *)settings + s->at) = fallback;
            return true;
        }
        value = fallback;
    }
    return assign(settings, s, value);
}

static void flag_of(const struct setting *s, char flag[static NAME_MAX_LENGTH])
{
    size_t i = 0;

    flag[0] = flag[1] = '-';
    for (; s->name[i] && i < NAME_MAX_LENGTH - 3; i++)
        flag[i + 2] = s->name[i] == '_' ? '-' : (char)tolower((unsigned char)s->name[i]);
    flag[i + 2] = '\0';
}

/* `--database-url` and, as the progress log's document spells it, `--database_url`. */
static const struct setting *find_flag(const char *arg, size_t len)
{
    char given[NAME_MAX_LENGTH];
    char flag[NAME_MAX_LENGTH];

    if (len >= sizeof(given))
        return NULL;
    for (size_t i = 0; i < len; i++)
        given[i] = arg[i] == '_' ? '-' : arg[i];
    given[len] = '\0';
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        flag_of(&table[i], flag);
        if (strcmp(given, flag) == 0)
            return &table[i];
    }
    return NULL;
}

static void print_help(const struct api *api)
{
    char flag[NAME_MAX_LENGTH];
    char room[24];

    printf("%s: %s\n\nSettings come from the environment; a flag wins. A secret can come from a file, "
           "NAME_FILE.\n\n",
           api->name, api->title);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const char *fallback = default_of(&table[i], api, room);
        flag_of(&table[i], flag);
        printf("  %-26s %s\n  %-26s %s%s%s\n", table[i].name, flag, "", table[i].help,
               fallback ? "; default " : "", fallback ? fallback : "");
    }
    printf("\n  --help                     this text\n"
           "  --settings-markdown        the settings as a Markdown table\n"
           "  --openapi                  the OpenAPI document\n"
           "  --health-check             exit 0 when the daemon on PORT answers /livez\n");
    for (size_t i = 0; i < api->command_count; i++)
        printf("  %-26s %s\n", api->commands[i].name, api->commands[i].help);
}

static void print_markdown(void)
{
    printf("| setting | default | range | what it is |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting *s = &table[i];
        printf("| `%s` | %s%s%s | ", s->name, s->fallback ? "`" : "", s->fallback ? s->fallback : "",
               s->fallback ? "`" : "");
        if (s->type == SETTING_INT)
            printf("%lld…%lld", (long long)s->min, (long long)s->max);
        else if (s->type == SETTING_SWITCH)
            printf("on, off");
        printf(" | %s%s |\n", s->help, s->secret ? " (also from the file that `_FILE` names)" : "");
    }
}

static const struct command *find_command(const struct api *api, const char *arg)
{
    for (size_t i = 0; i < api->command_count; i++)
        if (strcmp(arg, api->commands[i].name) == 0)
            return &api->commands[i];
    return NULL;
}

static enum settings_status read_flags(struct settings *settings, const struct api *api, int argc,
                                       char **argv)
{
    enum settings_status status = SETTINGS_READY;

    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        if (strcmp(arg, "--help") == 0) {
            print_help(api);
            return SETTINGS_PRINTED;
        }
        if (strcmp(arg, "--settings-markdown") == 0) {
            print_markdown();
            return SETTINGS_PRINTED;
        }
        if (strcmp(arg, "--openapi") == 0 || strcmp(arg, "--health-check") == 0) {
            status = arg[2] == 'o' ? SETTINGS_OPENAPI : SETTINGS_HEALTH_CHECK;
            continue;
        }
        settings->command = find_command(api, arg);
        if (settings->command)
            continue;
        const char *equals = strchr(arg, '=');
        const struct setting *s = find_flag(arg, equals ? (size_t)(equals - arg) : strlen(arg));
        if (!s) {
            fprintf(stderr, "unknown flag %s; --help lists them\n", arg);
            return SETTINGS_BAD;
        }
        if (!equals && i + 1 >= argc) {
            fprintf(stderr, "%s asks for a value\n", arg);
            return SETTINGS_BAD;
        }
        if (!assign(settings, s, equals ? equals + 1 : argv[++i]))
            return SETTINGS_BAD;
    }
    return status;
}

/* Fills in what AUTH0_DOMAIN stands for. */
static bool expand_auth0_domain(struct settings *s)
{
    static char url[AUTH_URL_MAX], issuer[AUTH_URL_MAX];
    const char *domain = s->auth.auth0_domain;

    if (!domain)
        return true;
    if (!*domain || strspn(domain, HOST_CHARACTERS) != strlen(domain) || strlen(domain) > DOMAIN_MAX)
        return bad("AUTH0_DOMAIN", domain, "is no domain name");
    snprintf(url, sizeof(url), "https://%s/.well-known/jwks.json", domain);
    snprintf(issuer, sizeof(issuer), "https://%s/", domain);
    if (!s->auth.jwks_url)
        s->auth.jwks_url = url;
    if (!s->auth.issuer)
        s->auth.issuer = issuer;
    return true;
}

/* A key set over a connection that anyone may change would let anyone in. */
static bool check_auth(struct settings *s)
{
    if (!expand_auth0_domain(s))
        return false;
    const char *url = s->auth.jwks_url;
    if (url && strncmp(url, "https://", 8) != 0 && strncmp(url, "file:", 5) != 0 && url[0] != '/')
        return bad("AUTH_JWKS_URL", url, "begins with neither https:// nor file:");
    if (url && !s->auth.issuer)
        return bad("AUTH_ISSUER", NULL, "is not given, but AUTH_JWKS_URL is");
    if (url && !s->auth.audience)
        return bad("AUTH_AUDIENCE", NULL, "is not given, but AUTH_JWKS_URL or AUTH0_DOMAIN is");
    if (s->auth.required && !url)
        return bad("AUTH_REQUIRED", "on", "asks for AUTH_JWKS_URL or AUTH0_DOMAIN");
    if (s->auth.service_token && strlen(s->auth.service_token) < SERVICE_TOKEN_MIN)
        return bad("SERVICE_TOKEN", NULL, "is shorter than 16 characters");
    return true;
}

/* A service with parts of its own calls another one, with which it shares the processors; PostgreSQL's
 * connections are for all of them. */
static int64_t workers_for(const struct api *api)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    long workers = processors < WORKERS_MOST ? processors : WORKERS_MOST;

    if (api->part_count)
        workers /= 2;
    return workers > 1 ? workers : 1;
}

/* What more than one room goes by. */
static void share(struct settings *settings)
{
    settings->pg.request_timeout = settings->request_timeout;
    settings->pg.report_timeout = settings->report_timeout;
    settings->auth.fetch_timeout = settings->request_timeout;
}

enum settings_status settings_read(struct settings *settings, const struct api *api, int argc, char **argv)
{
    *settings = (struct settings){0};
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (!read_environment(settings, &table[i], api))
            return SETTINGS_BAD;
    enum settings_status status = read_flags(settings, api, argc, argv);
    if (status == SETTINGS_READY && !settings->pg.url) {
        bad("DATABASE_URL", NULL, "is not given");
        return SETTINGS_BAD;
    }
    if (status == SETTINGS_READY && !check_auth(settings))
        return SETTINGS_BAD;
    if (settings->workers == 0)
        settings->workers = workers_for(api);
    share(settings);
    return status;
}
