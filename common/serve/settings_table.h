/*
 * Every setting: name, type, range, default and help in one table, which is used to read, check, print and
 * document them.
 */
#ifndef COMMON_SERVE_SETTINGS_TABLE_H
#define COMMON_SERVE_SETTINGS_TABLE_H

#include "common/base/declare.h"
#include "common/serve/settings.h"

struct api;
struct command;

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

/* What came of reading the settings (settings_read.h). */
enum settings_status {
    SETTINGS_READY,
    SETTINGS_PRINTED,      /* --help or another question was answered: exit 0 */
    SETTINGS_BAD,          /* one clear line is on stderr: exit 2 */
    SETTINGS_OPENAPI,      /* --openapi: the caller prints the document */
    SETTINGS_STATEMENTS,   /* --statements: the caller lists them */
    SETTINGS_HEALTH_CHECK, /* --health-check: the caller asks the daemon on the port */
};

/* A flag that asks the daemon something, so that it does not serve. */
struct question {
    const char *flag;
    const char *help;
    enum settings_status answer;
    bool (*print)(const struct api *api); /* false: it could not; NULL: the caller answers */
};

extern const struct question settings_questions[];
extern const size_t settings_question_count;

/* The commands of a daemon, those of every service first; NULL after the last. */
const struct command *settings_command_at(const struct api *api, size_t i);

/*
 * Checks what the types do not, such as settings that depend on others, and fills in those that others stand
 * for. False after one line on stderr, which names the setting and repeats no secret.
 */
bool settings_check(struct settings *settings) MUST_CHECK;

/* Reports a bad setting, with its value if one is given. Returns false. */
bool setting_complain(const char *name, const char *value, const char *why);

#endif
