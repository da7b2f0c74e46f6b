/*
 * The text of a schema, and what it is made of: the first part, the steps and the grants.
 *
 * The text begins with what is created in one transaction before anything is served. A line `-- step: KIND
 * NAME` begins one statement that is run afterwards, in order, while others write (steps.h). A line `--
 * grant: PRIVILEGES ON OBJECT`, anywhere in the text, says what the service's role needs where another role
 * owns the schema (owner.h).
 */
#ifndef COMMON_PG_SCRIPT_H
#define COMMON_PG_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/declare.h"

#define STEP_KIND_SIZE 8
#define STEP_NAME_SIZE 64

struct step {
    char kind[STEP_KIND_SIZE], name[STEP_NAME_SIZE]; /* terminated */
    const char *sql;                                 /* not terminated */
    size_t len;
};

/* The length of the text before the first step. */
size_t script_first_part(const char *schema);

/* Finds the next step at or after `*at`, and moves `*at` behind its first line; false if there is none. */
bool script_next_step(const char **at, struct step *step);

size_t script_count_steps(const char *schema);

/*
 * The statements that grant a role what the text's lines say, in the arena; `role` is a quoted identifier.
 * Empty without such lines, NULL without memory.
 */
char *script_grants(struct arena *arena, const char *schema, const char *role) MUST_CHECK;

#endif
