#include "common/pg/script.h"

#include <string.h>

#define STEP_LINE  "\n-- step: "
#define GRANT_LINE "\n-- grant: "

size_t script_first_part(const char *schema)
{
    const char *step = strstr(schema, STEP_LINE);

    return step ? (size_t)(step - schema) + 1 : strlen(schema);
}

/* Takes the next word of a line; false if it is empty or does not fit. */
static bool take_word(const char **line, char *word, size_t size)
{
    size_t len = strcspn(*line, " \n");

    if (!len || len >= size)
        return false;
    memcpy(word, *line, len);
    word[len] = '\0';
    *line += len + 1;
    return true;
}

bool script_next_step(const char **at, struct step *step)
{
    const char *line = strstr(*at, STEP_LINE);
    const char *sql = line ? strchr(line + 1, '\n') : NULL;

    if (!sql)
        return false;
    line += strlen(STEP_LINE);
    if (!take_word(&line, step->kind, sizeof(step->kind)) ||
        !take_word(&line, step->name, sizeof(step->name)))
        return false;
    const char *end = strstr(sql, STEP_LINE);
    step->sql = sql;
    step->len = end ? (size_t)(end - sql) : strlen(sql);
    *at = sql;
    return true;
}

size_t script_count_steps(const char *schema)
{
    struct step step;
    size_t count = 0;

    while (script_next_step(&schema, &step))
        count++;
    return count;
}

char *script_grants(struct arena *arena, const char *schema, const char *role)
{
    char *sql = arena_printf(arena, "%s", "");

    for (const char *line = strstr(schema, GRANT_LINE); sql && line; line = strstr(line, GRANT_LINE)) {
        line += strlen(GRANT_LINE);
        sql = arena_printf(arena, "%sGRANT %.*s TO %s;\n", sql, (int)strcspn(line, "\n"), line, role);
    }
    return sql;
}
