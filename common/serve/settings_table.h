/*
 * Every setting: name, type, range, default and help in one table; everything that reads, checks, prints or
 * documents them walks it.
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

/* The default of a setting; NULL: it has none. */
const char *setting_default(const struct setting *setting, const struct api *api,
                            char room[static SETTING_DEFAULT_MAX]);

/* Its flag: `--database-url`. */
void setting_flag(const struct setting *setting, char flag[static SETTING_NAME_MAX]);

/* Prints all of them: for --help, and as a Markdown table. */
void settings_print_help(const struct api *api);
void settings_print_markdown(void);

/*
 * Checks what is said of one setting by another and what its type cannot tell, and fills in what stands for
 * something else. False after one line on stderr, which names the setting and repeats no secret.
 */
bool settings_check(struct settings *settings) MUST_CHECK;

/* Complains of a setting; the value is repeated where it is given. Returns false. */
bool setting_complain(const char *name, const char *value, const char *why);

#endif
