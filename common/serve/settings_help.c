/* The names of settings, and how --help and the documentation show them. */
#include <ctype.h>
#include <stddef.h>
#include <stdio.h>

#include "common/json/writer.h"
#include "common/serve/schema_command.h"
#include "common/serve/settings_table.h"
#include "common/table/api.h"

static bool print_help(const struct api *api);
static bool print_version(const struct api *api);
static bool print_list(const struct api *api);

const struct question settings_questions[] = {
    {"--help", "print this text", SETTINGS_PRINTED, print_help},
    {"--version", "print the version", SETTINGS_PRINTED, print_version},
    {"--settings", "print the settings, flags and commands, one JSON object per line", SETTINGS_PRINTED,
     print_list},
    {"--openapi", "print the OpenAPI document", SETTINGS_OPENAPI, NULL},
    {"--statements", "print the SQL statements, one JSON object per line", SETTINGS_STATEMENTS, NULL},
    {"--health-check", "exit 0 when the daemon on PORT answers /livez", SETTINGS_HEALTH_CHECK, NULL},
};
const size_t settings_question_count = COUNT(settings_questions);

static const char *const types[] = {
    [SETTING_INT] = "integer",
    [SETTING_TEXT] = "text",
    [SETTING_SWITCH] = "switch",
    [SETTING_LEVEL] = "level",
};

const char *setting_default(const struct setting *setting, const struct api *api,
                            char room[static SETTING_DEFAULT_MAX])
{
    if (setting->at != offsetof(struct settings, port))
        return setting->fallback;
    snprintf(room, SETTING_DEFAULT_MAX, "%d", api->port);
    return room;
}

void setting_flag(const struct setting *setting, char flag[static SETTING_NAME_MAX])
{
    size_t i = 0;

    flag[0] = flag[1] = '-';
    for (; setting->name[i] && i < SETTING_NAME_MAX - 3; i++)
        flag[i + 2] = setting->name[i] == '_' ? '-' : (char)tolower((unsigned char)setting->name[i]);
    flag[i + 2] = '\0';
}

bool setting_complain(const char *name, const char *value, const char *why)
{
    fprintf(stderr, "bad setting %s: ", name);
    if (value) {
        putc('"', stderr);
        for (; *value; value++) /* on one line, whatever it has */
            putc(text_has_control((struct text){value, 1}) ? '?' : *value, stderr);
        fputs("\" ", stderr);
    }
    fprintf(stderr, "%s\n", why);
    return false;
}

const struct command *settings_command_at(const struct api *api, size_t i)
{
    if (i == 0)
        return &schema_command;
    return i <= api->command_count ? &api->commands[i - 1] : NULL;
}

static bool print_help(const struct api *api)
{
    char flag[SETTING_NAME_MAX];
    char room[SETTING_DEFAULT_MAX];
    const struct command *command;

    printf("%s: %s\n\nSettings come from the environment; a flag wins. A secret can come from a file, "
           "NAME_FILE.\n\n",
           api->name, api->title);
    for (size_t i = 0; i < settings_count; i++) {
        const char *fallback = setting_default(&settings_table[i], api, room);
        setting_flag(&settings_table[i], flag);
        printf("  %-26s %s\n  %-26s %s%s%s\n", settings_table[i].name, flag, "", settings_table[i].help,
               fallback ? "; default " : "", fallback ? fallback : "");
    }
    printf("\n");
    for (size_t i = 0; i < settings_question_count; i++)
        printf("  %-26s %s\n", settings_questions[i].flag, settings_questions[i].help);
    for (size_t i = 0; (command = settings_command_at(api, i)); i++)
        printf("  %-26s %s\n", command->name, command->help);
    return fflush(stdout) == 0;
}

static bool print_version(const struct api *api)
{
    return printf("%s %s\n", api->name, api->version) > 0;
}

/* A member of an object, after what stands before its value. */
static void write_string(struct writer *w, const char *before, const char *value)
{
    write_text(w, text_of(before));
    write_json_text(w, value ? text_of(value) : (struct text){0});
}

static void write_setting(struct writer *w, const struct setting *setting, const struct api *api)
{
    char flag[SETTING_NAME_MAX];
    char room[SETTING_DEFAULT_MAX];

    setting_flag(setting, flag);
    write_string(w, "{\"setting\":", setting->name);
    write_string(w, ",\"flag\":", flag);
    write_string(w, ",\"type\":", types[setting->type]);
    if (setting->type == SETTING_INT) {
        write_literal(w, ",\"least\":");
        write_int(w, setting->min);
        write_literal(w, ",\"most\":");
        write_int(w, setting->max);
    }
    write_string(w, ",\"default\":", setting_default(setting, api, room));
    write_literal(w, ",\"secret\":");
    write_bool(w, setting->secret);
    write_string(w, ",\"help\":", setting->help);
    write_literal(w, "}\n");
}

static void write_other(struct writer *w, const char *before, const char *name, const char *help)
{
    write_string(w, before, name);
    write_string(w, ",\"help\":", help);
    write_literal(w, "}\n");
}

static bool print_list(const struct api *api)
{
    struct arena memory = {0};
    struct writer w = writer_start(&memory);
    const struct command *command;

    write_other(&w, "{\"daemon\":", api->name, api->title);
    for (size_t i = 0; i < settings_count; i++)
        write_setting(&w, &settings_table[i], api);
    for (size_t i = 0; i < settings_question_count; i++)
        write_other(&w, "{\"question\":", settings_questions[i].flag, settings_questions[i].help);
    for (size_t i = 0; (command = settings_command_at(api, i)); i++)
        write_other(&w, "{\"command\":", command->name, command->help);
    bool printed = !w.failed && fwrite(w.at, 1, w.len, stdout) == w.len;
    arena_free(&memory);
    return printed;
}
