#include "common/serve/settings_read.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cgroup.h"
#include "common/base/declare.h"
#include "common/serve/settings_table.h"
#include "common/table/api.h"

#define WORKERS_MOST 4              /* by default */
#define SECRET_MAX   ((size_t)8192) /* bytes of a secret's file */

static const char *const levels[] = {"debug", "info", "warning", "error"};

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
    return setting_complain(s->name, value, why);
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
            return setting_complain(s->name, value, "is not on or off");
        *(bool *)into = strcmp(value, "on") == 0;
        return true;
    case SETTING_LEVEL:
        for (size_t i = 0; i < COUNT(levels); i++) {
            if (strcmp(value, levels[i]) == 0) {
                *(int64_t *)into = (int64_t)i;
                return true;
            }
        }
        return setting_complain(s->name, value, "is not debug, info, warning or error");
    }
    return false;
}

/* A secret's file without the line end; lives as long as the process. NULL after a complaint. */
static const char *secret_from_file(const char *name, const char *path)
{
    static char secrets[SETTINGS_MAX][SECRET_MAX + 1];
    static size_t used;
    char *secret = secrets[used++];
    FILE *file = fopen(path, "re");

    if (!file) {
        setting_complain(name, path, strerror(errno));
        return NULL;
    }
    size_t len = fread(secret, 1, SECRET_MAX + 1, file);
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed || len > SECRET_MAX) {
        setting_complain(name, path, failed ? "cannot be read" : "is larger than 8192 bytes");
        return NULL;
    }
    while (len && (secret[len - 1] == '\n' || secret[len - 1] == '\r'))
        len--;
    secret[len] = '\0';
    if (!secret[strspn(secret, " \t\r\n")]) {
        setting_complain(name, path, "is empty");
        return NULL;
    }
    if (strlen(secret) != len || strpbrk(secret, "\r\n")) {
        setting_complain(name, path, "is more than one line of text");
        return NULL;
    }
    return secret;
}

/* A variable of the environment; NULL if it is not set or blank, as an unfilled template leaves it. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value && value[strspn(value, " \t")] ? value : NULL;
}

static bool read_environment(struct settings *settings, const struct setting *s, const struct api *api)
{
    char file_name[SETTING_NAME_MAX + 8];
    char room[SETTING_DEFAULT_MAX];
    const char *value = variable(s->name);

    snprintf(file_name, sizeof(file_name), "%s_FILE", s->name);
    const char *path = s->secret ? variable(file_name) : NULL;
    if (path) {
        if (value)
            return setting_complain(file_name, NULL, "and the setting itself are both given");
        value = secret_from_file(file_name, path);
        if (!value)
            return false;
    }
    if (!value) {
        const char *fallback = setting_default(s, api, room);
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

/* Accepts `--database-url` and also `--database_url`, the spelling of the progress log's document. */
static const struct setting *find_flag(const char *arg, size_t len)
{
    char given[SETTING_NAME_MAX];
    char flag[SETTING_NAME_MAX];

    if (len >= sizeof(given))
        return NULL;
    for (size_t i = 0; i < len; i++)
        given[i] = arg[i] == '_' ? '-' : arg[i];
    given[len] = '\0';
    for (size_t i = 0; i < settings_count; i++) {
        setting_flag(&settings_table[i], flag);
        if (strcmp(given, flag) == 0)
            return &settings_table[i];
    }
    return NULL;
}

static const struct command *find_command(const struct api *api, const char *arg)
{
    const struct command *command;

    for (size_t i = 0; (command = settings_command_at(api, i)); i++)
        if (strcmp(arg, command->name) == 0)
            return command;
    return NULL;
}

/* Reads a flag that is not a setting; false if it is none of these. */
static bool read_question(const char *arg, const struct api *api, enum settings_status *status)
{
    for (size_t i = 0; i < settings_question_count; i++) {
        const struct question *question = &settings_questions[i];
        if (strcmp(arg, question->flag) != 0)
            continue;
        *status = question->print && !question->print(api) ? SETTINGS_BAD : question->answer;
        return true;
    }
    return false;
}

/* The text of an unknown argument is not repeated: it may be a secret. */
static enum settings_status complain_of_argument(const char *arg, int number)
{
    if (arg[0] == '-')
        fprintf(stderr, "unknown flag %.*s; --help lists them\n", (int)strcspn(arg, "="), arg);
    else
        fprintf(stderr, "argument %d is not a flag or a command; --help lists them\n", number);
    return SETTINGS_BAD;
}

static enum settings_status read_flags(struct settings *settings, const struct api *api, int argc,
                                       char **argv)
{
    enum settings_status status = SETTINGS_READY;

    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        if (read_question(arg, api, &status)) {
            if (status == SETTINGS_PRINTED || status == SETTINGS_BAD)
                return status;
            continue;
        }
        const struct command *command = find_command(api, arg);
        if (command && settings->command) {
            fprintf(stderr, "%s and %s cannot be combined\n", settings->command->name, command->name);
            return SETTINGS_BAD;
        }
        if (command) {
            settings->command = command;
            continue;
        }
        size_t len = strcspn(arg, "=");
        const struct setting *s = find_flag(arg, len);
        if (!s)
            return complain_of_argument(arg, i);
        if (!arg[len] && i + 1 >= argc) {
            fprintf(stderr, "%s requires a value\n", arg);
            return SETTINGS_BAD;
        }
        if (!assign(settings, s, arg[len] ? arg + len + 1 : argv[++i]))
            return SETTINGS_BAD;
    }
    return status;
}

/*
 * A service that forwards calls another service, which uses the same processors; and each worker has
 * connections to PostgreSQL, whose number is limited.
 */
static int64_t workers_for(const struct api *api)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    long workers = processors < WORKERS_MOST ? processors : WORKERS_MOST;

    if (api->forwarding)
        workers /= 2;
    return workers > 1 ? workers : 1;
}

static int64_t memory_share(void)
{
    uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

    return (int64_t)cgroup_memory_share(cgroup_memory_limit(""), machine);
}

/* Copies settings that several rooms need. */
static void share(struct settings *settings)
{
    settings->pg.request_timeout = settings->request_timeout;
    settings->pg.report_timeout = settings->report_timeout;
    settings->pg.ingest_timeout = settings->ingest.timeout;
    settings->pg.export_timeout = settings->export_timeout;
    settings->auth.fetch_timeout = settings->request_timeout;
}

enum settings_status settings_read(struct settings *settings, const struct api *api, int argc, char **argv)
{
    *settings = (struct settings){0};
    for (size_t i = 0; i < settings_count; i++)
        if (!read_environment(settings, &settings_table[i], api))
            return SETTINGS_BAD;
    enum settings_status status = read_flags(settings, api, argc, argv);
    if (status == SETTINGS_PRINTED || status == SETTINGS_BAD)
        return status;
    if (settings->workers == 0)
        settings->workers = workers_for(api);
    if (settings->memory_limit == 0)
        settings->memory_limit = memory_share();
    if (status == SETTINGS_READY && !settings_check(settings))
        return SETTINGS_BAD;
    share(settings);
    return status;
}
