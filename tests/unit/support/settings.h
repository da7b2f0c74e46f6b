/*
 * Settings as a daemon of the tests reads them, from an environment that begins empty.
 */
#ifndef TESTS_SETTINGS_H
#define TESTS_SETTINGS_H

#include "common/serve/settings_read.h"

extern const struct command settings_commands[2]; /* verify and count, which do nothing */
extern struct settings settings;

/* A test's setup: an environment with nothing but a DATABASE_URL. */
int settings_clear(void **state);

/* Reads the settings with these flags, ended by NULL. */
enum settings_status settings_read_with(const char *const *flags);
#define read_settings(...) settings_read_with((const char *const[]){__VA_ARGS__, NULL})

/* Fails unless reading ends with one line on stderr that has the name in it. */
void settings_complain_of(const char *flag, const char *name);

/* Makes a file of a name that ends in XXXXXX. */
void settings_write_file(char *name, const char *content);

#endif
