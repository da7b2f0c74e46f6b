/* The names of settings, and how --help and the documentation show them. */
#include <ctype.h>
#include <stddef.h>
#include <stdio.h>

#include "common/serve/settings_table.h"
#include "common/table/api.h"

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
    fprintf(stderr, "bad setting %s: %s%s%s%s\n", name, value ? "\"" : "", value ? value : "",
            value ? "\" " : "", why);
    return false;
}

void settings_print_help(const struct api *api)
{
    char flag[SETTING_NAME_MAX];
    char room[SETTING_DEFAULT_MAX];

    printf("%s: %s\n\nSettings come from the environment; a flag wins. A secret can come from a file, "
           "NAME_FILE.\n\n",
           api->name, api->title);
    for (size_t i = 0; i < settings_count; i++) {
        const char *fallback = setting_default(&settings_table[i], api, room);
        setting_flag(&settings_table[i], flag);
        printf("  %-26s %s\n  %-26s %s%s%s\n", settings_table[i].name, flag, "", settings_table[i].help,
               fallback ? "; default " : "", fallback ? fallback : "");
    }
    printf("\n  --help                     print this text\n"
           "  --settings-markdown        print the settings as a Markdown table\n"
           "  --openapi                  print the OpenAPI document\n"
           "  --statements               print the SQL statements, one JSON object per line\n"
           "  --health-check             exit 0 when the daemon on PORT answers /livez\n");
    for (size_t i = 0; i < api->command_count; i++)
        printf("  %-26s %s\n", api->commands[i].name, api->commands[i].help);
}

void settings_print_markdown(void)
{
    printf("| setting | default | range | what it is |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *s = &settings_table[i];
        printf("| `%s` | %s%s%s | ", s->name, s->fallback ? "`" : "", s->fallback ? s->fallback : "",
               s->fallback ? "`" : "");
        if (s->type == SETTING_INT)
            printf("%lld…%lld", (long long)s->min, (long long)s->max);
        else if (s->type == SETTING_SWITCH)
            printf("on, off");
        printf(" | %s%s |\n", s->help, s->secret ? " (also from the file that `_FILE` names)" : "");
    }
}
