/*
 * Every setting: name, type, range, default and help in one table, which is used to read, check, print and
 * document them.
 */
#ifndef COMMON_SERVE_SETTINGS_TABLE_H
#define COMMON_SERVE_SETTINGS_TABLE_H

#include "common/base/declare.h"
#include "common/serve/settings.h"

struct api;

#define SETTING_NAME_MAX    64 /* bytes of a setting's name and its flag */
#define SETTING_DEFAULT_MAX 24 /* of the default of PORT */
#define SETTINGS_MAX        64 /* rows */

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

extern const struct setting settings_table[];
extern const size_t settings_count;

/* The default of a setting; NULL if it has none. */
const char *setting_default(const struct setting *setting, const struct api *api,
                            char room[static SETTING_DEFAULT_MAX]);

/* Its flag: `--database-url`. */
void setting_flag(const struct setting *setting, char flag[static SETTING_NAME_MAX]);

/* Prints all of them: for --help, and as a Markdown table. */
void settings_print_help(const struct api *api);
void settings_print_markdown(void);

/*
 * Checks what the types do not, such as settings that depend on others, and fills in those that others stand
 * for. False after one line on stderr, which names the setting and repeats no secret.
 */
bool settings_check(struct settings *settings) MUST_CHECK;

/* Reports a bad setting, with its value if one is given. Returns false. */
bool setting_complain(const char *name, const char *value, const char *why);

#endif
